"""Between words and clips: captions of generated and rendered clips, expanded prompts."""

from __future__ import annotations

import random

from assets.values import Expander as ExpanderHandle
from benchmarks.captions import expansions
from benchmarks.judge.verdicts import shares
from benchmarks.prompts import LISTS, fixed_prompts
from benchmarks.rows.setting import Row, Setting, percent
from benchmarks.studio import rendered
from nodes.captioner.facts import facts_right
from nodes.expander.model import Expander
from nodes.models.handles import builtin
from nodes.world.captions import caption


def recaption(setting: Setting) -> list[Row]:
    """Captions of the scenes as rendered, and of clips made of their prompts."""
    studio, rows = setting.studio, []
    for name, listed in (("one thing", "held out"), ("two things", "two things")):
        asked = fixed_prompts(listed, min(setting.clips, LISTS[listed][0]))
        scenes = [one.scene for one in asked]
        truth = facts_right([studio.caption(rendered(scene)) for scene in scenes], scenes)
        made = [studio.make(one.prompt, studio.canvas(), i) for i, one in enumerate(asked)]
        got = facts_right([studio.caption(clip) for clip in made], scenes)
        figures = f"all right {percent(truth['all'])} on rendered, {percent(got['all'])} on generated clips"
        rows.append(Row(f"recaption, {name}", len(asked), figures, "90 % on rendered", truth["all"] >= 0.9))
    return rows


def expand(setting: Setting) -> list[Row]:
    """Short prompts as they are, and expanded."""
    studio = setting.studio
    asked = fixed_prompts("held out")[: 2 * setting.clips : 2]
    scenes = [one.scene for one in asked]
    short = [caption(scene, random.Random(i), long=False) for i, scene in enumerate(scenes)]
    long = [studio.expand(prompt) for prompt in short]
    got = {}
    for name, prompts in (("short", short), ("expanded", long)):
        made = [studio.make(prompt, studio.canvas(), i) for i, prompt in enumerate(prompts)]
        verdicts = setting.verdicts(scenes, made)
        setting.show(f"expand_{name}", prompts, made, verdicts)
        got[name] = shares(verdicts)["all"]
    expander: Expander = studio.model(builtin(ExpanderHandle))
    kept = expansions(expander, 4 * len(asked))["everything kept in"]
    figures = (
        f"everything kept in {percent(kept)}; all four {percent(got['short'])} short, "
        f"{percent(got['expanded'])} expanded"
    )
    met = kept == 1 and got["expanded"] > got["short"]
    return [Row("expand a prompt", len(asked), figures, "100 % kept, adherence raised", met)]
