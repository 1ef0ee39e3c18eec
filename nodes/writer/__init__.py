"""The writer: a small causal transformer that writes the grammar's sentences, for captioner and expander."""
