"""When the last acknowledgement is repeated."""

from pathlib import Path

from tests.unit.ingest.rig import HR, Rig, pack


def back(rig: Rig, device: str = "w-1") -> list[dict[str, int]]:
    """What a device is told that comes back."""
    for _ in range(3):
        rig.clock.advance(1)
        rig.pipeline.flush()
    rig.clock.advance(1)
    rig.published.clear()
    rig.acknowledger.returned(device)
    rig.acknowledger.returned(device)
    rig.pipeline.flush()
    rig.pipeline.flush()
    return [ack for _, ack in rig.published]


def test_a_device_that_comes_back_is_told_again_also_by_a_platform_that_was_restarted(rig: Rig, tmp_path: Path) -> None:
    assert back(rig) == []
    for seq in (0, 1):
        rig.send(pack(HR, seq=seq, epoch=7))
    assert back(rig) == [{"epoch": 7, "seq": 1}]
    rig.restart(tmp_path)
    assert back(rig) == [{"epoch": 7, "seq": 1}]
    assert back(rig, "w-2") == []


def test_it_is_told_about_the_epoch_in_which_it_spoke_last(rig: Rig, tmp_path: Path) -> None:
    for epoch in (9, 3):
        rig.send(pack(HR, epoch=epoch))
    assert back(rig) == [{"epoch": 3, "seq": 0}]
    rig.restart(tmp_path)
    assert back(rig) == [], "its history leaves open which one that is; the first pack says it"
    rig.send(pack(HR, epoch=9))
    assert back(rig) == [{"epoch": 9, "seq": 0}]


def test_two_epochs_of_a_device_take_turns(rig: Rig) -> None:
    rig.pipeline.run([rig.message(pack(HR, epoch=epoch)) for epoch in (1, 2)])
    rig.pipeline.flush()
    assert len(rig.published) == 1
    rig.clock.advance(1)
    rig.pipeline.flush()
    assert sorted(ack["epoch"] for _, ack in rig.published) == [1, 2]


def test_a_repetition_waits_its_second_like_any_acknowledgement(rig: Rig) -> None:
    rig.send(pack(HR))
    rig.pipeline.flush()
    rig.clock.advance(0.9)
    rig.acknowledger.returned("w-1")
    rig.pipeline.flush()
    assert len(rig.published) == 1
    rig.clock.advance(0.1)
    rig.pipeline.flush()
    assert len(rig.published) == 2
