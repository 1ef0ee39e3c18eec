"""What the trainings share: the loop, the optimisers, the checkpoint, the processes that train side by side."""
