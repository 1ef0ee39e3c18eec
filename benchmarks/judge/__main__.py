"""Train the judge and write its weights: `python -m benchmarks.judge [folder of the run]`. About seven core-minutes."""

import sys
from pathlib import Path

import torch

from benchmarks.judge.train import JudgeTraining, export, train

torch.set_num_threads(1)
run = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("runs/judge")
train(JudgeTraining(), run)
print("  ".join(f"{name} {share:.1%}" for name, share in export(run).items()))
