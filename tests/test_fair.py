"""Fair comparisons: what tunes never scores, and no choice lies at the edge of its grid."""

import numpy as np
import pytest

from experiments import __main__ as command
from experiments import store
from experiments.fair import Contender, Job, Study
from helpers.networks.comparison import METRICS
from helpers.networks.scoring import Scores
from helpers.networks.tuning import Knob, decades

RATES = Knob(decades(-4, 2), (3, 6))


def valley(contender, setting, seed):
    """A training whose loss is lowest at rate 10, or for "slow" at 1e-3; half way it was 0.1 lower."""
    best = {"slow": -3.0}.get(contender, 1.0)
    loss = 1 + (np.log10(setting.get("rate", 10)) - best) ** 2 + 0.01 * (seed % 3)
    looks = [Scores(0.5, loss - 0.1, 0.2), Scores(0.6, loss, 0.3)]
    return {"validation": looks, "test": [one._replace(loss=one.loss + 1) for one in looks]}


def study(contenders, train=valley, **changed):
    settings = {"tuning_seeds": (100, 101), "seeds": (0, 1, 2), "told": {}, "tolerance": 0.02}
    return Study("toy", contenders, train, **settings | changed)


def test_the_grid_is_widened_until_the_choice_lies_within():
    made = study({"fast": Contender({"rate": RATES}), "slow": Contender({"rate": RATES})}).make()
    fast, slow = made["contenders"]["fast"], made["contenders"]["slow"]
    assert fast["chosen"] == {"rate": 10.0}
    assert fast["grid"]["rate"] == [3e-3, 1e-2, 3e-2, 0.1, 0.3, 1, 3, 10, 30]
    assert slow["chosen"] == {"rate": 1e-3}
    assert slow["grid"]["rate"][:2] == [3e-4, 1e-3]
    assert fast["at_edge"] == slow["at_edge"] == []
    assert len(fast["validation_loss"]) == len(fast["grid"]["rate"])


def test_a_choice_at_the_end_of_the_ladder_is_told_unless_nothing_lies_beyond():
    short = Knob((0.1, 1.0, 10.0), (0, 2))
    assert study({"a": Contender({"rate": short})}).make()["contenders"]["a"]["at_edge"] == ["rate"]
    closed = Knob((0.1, 1.0, 10.0), (0, 2), closed=("high",))
    assert study({"a": Contender({"rate": closed})}).make()["contenders"]["a"]["at_edge"] == []


def test_several_knobs_are_tried_together():
    def both(contender, setting, seed):
        loss = (setting["a"] - 3) ** 2 + (setting["b"] - setting["a"]) ** 2
        looks = [Scores(0.5, loss, 0.1)]
        return {"validation": looks, "test": looks}

    knob = Knob((1, 2, 3, 4, 5), (0, 2))
    entry = study({"it": Contender({"a": knob, "b": knob})}, both).make()["contenders"]["it"]
    assert entry["chosen"] == {"a": 3, "b": 3}
    assert len(entry["validation_loss"]) == len(entry["grid"]["a"]) * len(entry["grid"]["b"])


def test_test_scores_come_from_fresh_seeds_and_never_choose():
    seen = []

    def watched(contender, setting, seed):
        seen.append((setting["rate"], seed))
        ran = valley(contender, setting, seed)
        luck = -100 if setting["rate"] == 0.003 else 0  # on test images alone
        return ran | {"test": [one._replace(loss=one.loss + luck) for one in ran["test"]]}

    made = study({"a": Contender({"rate": RATES})}, watched).make()["contenders"]["a"]
    assert made["chosen"] == {"rate": 10.0}
    assert {rate for rate, seed in seen if seed in (0, 1, 2)} == {10.0}
    assert len(seen) == len(set(seen))  # nothing is trained twice
    assert made["test"]["loss"] == [2.0, 2.01, 2.02]
    with pytest.raises(ValueError, match=r"\[1\] are in both"):
        study({}, seeds=(0, 1), tuning_seeds=(1, 2))


def test_stopping_early_reads_the_best_look_and_shares_the_runs():
    seen = []

    def watched(*job):
        seen.append(job)
        return valley(*job)

    contenders = {"plain": Contender(), "stopped": Contender(stops_early=True, trains_as="plain")}
    made = study(contenders, watched).make()["contenders"]
    assert made["stopped"]["test"]["loss"] == [1.9, 1.91, 1.92]
    assert made["plain"]["test"]["loss"] == [2.0, 2.01, 2.02]
    assert made["stopped"]["test"]["accuracy"] == [0.5, 0.5, 0.5]
    assert len(seen) == 5


def test_stopping_early_never_stops_where_the_loss_is_no_number():
    def lost_at_first(contender, setting, seed):
        looks = [Scores(0.1, np.nan, np.nan), Scores(0.6, 1.0, 0.1)]
        return {"validation": looks, "test": looks}

    made = study({"a": Contender(stops_early=True)}, lost_at_first).make()["contenders"]
    assert made["a"]["test"]["loss"] == [1.0] * 3


def test_a_run_that_overflows_is_not_chosen():
    def overflows(contender, setting, seed):
        ran = valley(contender, setting, seed)
        broken = [Scores(0.1, np.nan, np.nan)] * 2
        return dict.fromkeys(ran, broken) if setting["rate"] >= 0.1 and seed == 101 else ran

    made = study({"a": Contender({"rate": RATES})}, overflows).make()["contenders"]["a"]
    assert made["chosen"] == {"rate": 0.03}
    assert made["validation_loss"][-1] is None


def test_two_processes_make_the_same():
    one = study({"a": Contender({"rate": RATES})})
    assert one.make(jobs=2) == one.make()


def test_the_short_version_repeats_the_chosen_and_tells_what_left_the_range(monkeypatch):
    one = study({"a": Contender({"rate": RATES})}, repeated=("a",))
    stored = one.make()
    monkeypatch.setattr(store, "read", lambda name: stored)
    (job,) = one.short()
    assert job == Job("a", (("rate", 10.0),), 0)
    assert one.faults(stored, [job], [one.run(job)]) == []
    (fault,) = one.faults(stored, [job], [valley("a", {"rate": 3}, 0)])
    assert fault == "a: test loss 2.273, stored 2.000 to 2.020"


@pytest.mark.parametrize("name", [name for name, it in command.SECTIONS.items() if isinstance(it, Study)])
def test_of_a_stored_comparison_no_choice_lies_at_an_edge(name):
    study, stored = command.SECTIONS[name], store.read(name)
    assert study.name == name
    assert list(stored["contenders"]) == list(study.contenders)
    for entry in stored["contenders"].values():
        assert entry["at_edge"] == []
        assert all(len(entry["test"][metric]) == len(study.seeds) for metric in METRICS)
