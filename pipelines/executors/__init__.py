"""Who runs a workflow: `LocalExecutor`, with a warm worker process on this machine."""
