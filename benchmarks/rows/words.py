"""Between words and clips: captions of generated and rendered clips, expanded prompts."""

from __future__ import annotations

import random

from assets.values import Expander as ExpanderHandle
from benchmarks.captions import expansions
from benchmarks.judge.verdicts import Verdict
from benchmarks.prompts import LISTS, fixed_prompts
from benchmarks.rows.setting import Row, Setting, percent
from benchmarks.studio import rendered
from nodes.captioner.facts import facts_right
from nodes.expander.entities import entities
from nodes.expander.model import Expander
from nodes.expander.prompts import fragment
from nodes.models.handles import builtin


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
    """Prompts as people write them, parts of a scene with small words left out: as they are, and expanded."""
    studio = setting.studio
    asked = fixed_prompts("held out")[: 3 * setting.clips]
    scenes = [one.scene for one in asked]
    short = [fragment(scene, random.Random(i)) for i, scene in enumerate(scenes)]
    long = [studio.expand(prompt) for prompt in short]
    got = {}
    for name, prompts in (("short", short), ("expanded", long)):
        made = [studio.make(prompt, studio.canvas(), i) for i, prompt in enumerate(prompts)]
        verdicts = setting.verdicts(scenes, made)
        setting.show(f"expand_{name}", prompts, made, verdicts)
        got[name] = [_as_asked(one, prompt) for one, prompt in zip(verdicts, short, strict=True)]
    expander: Expander = studio.model(builtin(ExpanderHandle))
    kept = expansions(expander, 4 * setting.clips)["everything kept in"]
    right = {name: sum(marks) / len(marks) for name, marks in got.items()}
    pairs = list(zip(got["short"], got["expanded"], strict=True))
    figures = (
        f"everything kept in {percent(kept)}; all that is asked for right in {percent(right['short'])} short, "
        f"{percent(right['expanded'])} expanded (mended in {pairs.count((False, True))}, "
        f"lost in {pairs.count((True, False))})"
    )
    met = kept == 1 and right["expanded"] > right["short"]
    return [Row("expand a prompt", len(asked), figures, "100 % kept, adherence raised", met)]


def _as_asked(verdict: Verdict, prompt: str) -> bool:
    """Whether all that the prompt speaks of, and the judge can tell, is as it says."""
    return all(verdict.seen.get(kind, value) == value for kind, value in entities(prompt))
