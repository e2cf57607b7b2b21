from types import SimpleNamespace

from tuitrain.analysis.memory_breakdown import training_device
from tuitrain.messages import Environment
from tuitrain.training.runtime.environment import device_identity


def test_a_gpu_is_told_from_the_others_as_its_driver_does() -> None:
    properties = SimpleNamespace(
        uuid="6f1b2c3d-aaaa-bbbb-cccc-0123456789ab",
        pci_domain_id=0,
        pci_bus_id=0x3B,
        pci_device_id=0,
    )
    uuid, pci = device_identity(properties)
    assert pci == "00000000:3b:00"
    identity = Environment(device_uuid=uuid, device_pci=pci)
    by_uuid = {"index": 4, "uuid": f"GPU-{properties.uuid}", "pci": None, "mig": None}
    by_place = {"index": 5, "uuid": None, "pci": "00000000:3B:00.0", "mig": None}
    other = {"index": 0, "uuid": "GPU-other", "pci": "00000000:19:00.0", "mig": None}
    for gpu in (by_uuid, by_place):
        devices = {"gpus": [other, gpu]}
        assert training_device("cuda:0", identity, {}, devices) == f"gpu{gpu['index']}"


def test_what_an_older_torch_does_not_tell_is_left_out() -> None:
    assert device_identity(SimpleNamespace()) == (None, None)
