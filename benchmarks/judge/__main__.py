"""Train the judge and write its weights: `python -m benchmarks.judge [folder of the run]`. About 14 core-minutes."""

import sys
from pathlib import Path

import torch
from rich.console import Console

from benchmarks.judge.report import table
from benchmarks.judge.train import JudgeTraining, export, train

torch.set_num_threads(1)
run = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("runs/judge")
train(JudgeTraining(), run)
Console(soft_wrap=True).print(table(export(run)))
