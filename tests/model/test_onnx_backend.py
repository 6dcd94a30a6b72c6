"""Networks in ONNX: a small one written by hand, whose answers are known."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from galaxyclass.errors import BundleError, DeviceError
from galaxyclass.model.backends.backend import is_concurrent
from galaxyclass.model.backends.onnx_backend import OnnxBackend
from galaxyclass.model.backends.open_backend import open_backend
from galaxyclass.model.backends.openvino_backend import OpenvinoBackend
from galaxyclass.model.bundle.load import Bundle, Role, load_bundle
from galaxyclass.model.bundle.save import BundleFileWriter, save_bundle
from galaxyclass.study.benchmark.standalone import network_alone
from tests.support import fake
from tests.support.by_hand import SIDE, by_hand


@pytest.fixture
def boxed(tmp_path: Path) -> Callable[..., Any]:
    """A bundle that has no weights, from any network."""

    def make(content: bytes) -> Bundle:
        fake.save_run(tmp_path / "run", fake.class_outputs("red", "other"))
        manifest = replace(load_bundle(tmp_path / "run").manifest, weights_digest="")
        writer: dict[Role, BundleFileWriter] = {"network": lambda path: path.write_bytes(content)}
        return save_bundle(tmp_path / "run", manifest, writer)

    return make


@pytest.fixture(params=[OnnxBackend, OpenvinoBackend])
def kind(request: pytest.FixtureRequest) -> type[OnnxBackend] | type[OpenvinoBackend]:
    """Either of the backends; that of OpenVINO where it is installed."""
    if request.param is OpenvinoBackend:
        pytest.importorskip("openvino")
    return request.param


def test_it_computes_what_the_file_says(
    boxed: Callable[..., Any], kind: type[OnnxBackend] | type[OpenvinoBackend]
) -> None:
    backend = kind(boxed(by_hand().SerializeToString()))
    cutouts = np.zeros((2, SIDE, SIDE, 3), np.uint8)
    cutouts[0, :, :] = (255, 0, 0)
    cutouts[1, :, :6] = (51, 102, 0)
    cutouts[1, :, 6:] = (51, 0, 102)
    said = backend(cutouts)
    np.testing.assert_allclose(said.features, np.array([[1, 0, 0], [0.2, 0.2, 0.2]]), atol=1e-6)
    np.testing.assert_allclose(said.values, np.array([[1, 0], [1 / 3, 2 / 3]]), atol=1e-6)
    assert said.auxiliary == ()
    assert said.values.dtype == np.float32


def test_a_result_stays_what_it_was_when_the_next_one_is_computed(
    boxed: Callable[..., Any], kind: type[OnnxBackend] | type[OpenvinoBackend]
) -> None:
    backend = kind(boxed(by_hand().SerializeToString()))
    said = backend(np.full((1, SIDE, SIDE, 3), 51, np.uint8))
    backend(np.full((1, SIDE, SIDE, 3), 102, np.uint8))
    np.testing.assert_allclose(said.features, [[0.2, 0.2, 0.2]], atol=1e-6)


def test_it_computes_in_the_threads_that_call_it(boxed: Callable[..., Any]) -> None:
    backend = OnnxBackend(boxed(by_hand().SerializeToString()))
    assert is_concurrent(backend)
    assert (backend.precision, backend.note) == ("fp32", "")
    cutouts = np.full((40, SIDE, SIDE, 3), 7, np.uint8)
    before = threading.active_count()
    assert network_alone(backend, cutouts, 4, workers=3) > 0
    assert threading.active_count() == before


def test_lanes_do_not_get_into_each_others_way(
    boxed: Callable[..., Any], kind: type[OnnxBackend] | type[OpenvinoBackend]
) -> None:
    backend = kind(boxed(by_hand().SerializeToString()))
    wrong: list[int] = []

    def lane(grey: int) -> None:
        backend.begin_thread()
        for _ in range(50):
            said = backend(np.full((3, SIDE, SIDE, 3), grey, np.uint8))
            if np.abs(said.features - grey / 255).max() > 1e-5:
                wrong.append(grey)

    lanes = [threading.Thread(target=lane, args=(grey,)) for grey in (10, 100, 200)]
    for one in lanes:
        one.start()
    for one in lanes:
        one.join()
    assert wrong == []


def test_slices_of_larger_arrays(
    boxed: Callable[..., Any], kind: type[OnnxBackend] | type[OpenvinoBackend]
) -> None:
    backend = kind(boxed(by_hand().SerializeToString()))
    cutouts = np.random.default_rng(0).integers(0, 256, (6, SIDE, SIDE, 3), dtype=np.uint8)
    np.testing.assert_array_equal(backend(cutouts[::2]).values, backend(cutouts).values[::2])


def test_bfloat16_is_not_to_be_had_and_a_note_says_so(boxed: Callable[..., Any]) -> None:
    backend = OnnxBackend(boxed(by_hand().SerializeToString()), "cpu", "bf16")
    assert backend.precision == "fp32"
    assert 'pip install "galaxyclass[openvino]"' in backend.note


def test_bfloat16_with_openvino(boxed: Callable[..., Any]) -> None:
    openvino = pytest.importorskip("openvino")
    able = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    backend = OpenvinoBackend(boxed(by_hand().SerializeToString()), "cpu", "bf16")
    assert backend.precision == ("bf16" if able else "fp32")
    assert ("bfloat16" if able else "32-bit") in backend.note
    said = backend(np.full((2, SIDE, SIDE, 3), 51, np.uint8))
    np.testing.assert_allclose(said.features, 0.2, rtol=2**-8)
    assert said.features.dtype == np.float32


def test_without_weights_openvino_computes_bfloat16_and_onnxruntime_the_rest(
    boxed: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = boxed(by_hand().SerializeToString())
    assert isinstance(open_backend(bundle), OnnxBackend)
    assert isinstance(open_backend(bundle, "cpu", "fp32"), OnnxBackend)
    module = sys.modules["galaxyclass.model.backends.open_backend"]
    there = module.find_spec
    monkeypatch.setattr(module, "find_spec", lambda name: name != "openvino" and there(name))
    assert isinstance(open_backend(bundle, "cpu", "bf16"), OnnxBackend)
    pytest.importorskip("openvino")
    monkeypatch.setattr(module, "find_spec", there)
    assert isinstance(open_backend(bundle, "cpu", "bf16"), OpenvinoBackend)


def test_another_device(
    boxed: Callable[..., Any], kind: type[OnnxBackend] | type[OpenvinoBackend]
) -> None:
    with pytest.raises(DeviceError, match=r"'cuda'[\s\S]*one of auto, cpu"):
        kind(boxed(by_hand().SerializeToString()), "cuda")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no network", "the network cannot be loaded"),
        (by_hand(24).SerializeToString(), r"cutouts \(12, 12, 3\)[\s\S]*cutouts \(24, 24, 3\)"),
        (by_hand(features="embedding").SerializeToString(), r"features[\s\S]*embedding"),
    ],
)
def test_files_that_do_not_fit(
    boxed: Callable[..., Any],
    kind: type[OnnxBackend] | type[OpenvinoBackend],
    content: bytes,
    message: str,
) -> None:
    bundle = boxed(content)
    with pytest.raises(BundleError, match=message):
        kind(bundle)


def test_torch_is_not_imported(boxed: Callable[..., Any], tmp_path: Path) -> None:
    boxed(by_hand().SerializeToString())
    fake.save_images(tmp_path / "sky", 5)
    code = (
        "import sys, galaxyclass\n"
        "summary = galaxyclass.predict('run', 'sky', output='p.csv')\n"
        "print(summary.predicted, sorted({'torch', 'timm', 'onnx'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "5 []\n"
    assert (tmp_path / "p.csv").read_text().startswith("GalaxyID,red,other,class\n")


def test_openvino_is_loaded_without_its_telemetry() -> None:
    """It would fork a process that reports to its makers over the network."""
    pytest.importorskip("openvino")
    code = (
        "import sys, os; os.fork = None\n"
        "from galaxyclass.model.backends.openvino_backend import import_openvino\n"
        "import_openvino(); print(sys.modules.get('openvino_telemetry'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "None"


def test_onnxruntime_is_loaded_without_its_telemetry(tmp_path: Path) -> None:
    """From 1.29 on it keeps a number of the session on the disk, and reports to its makers."""
    code = (
        "import galaxyclass, os\n"
        "galaxyclass.load_model(workers=1).ensemble\n"
        "print(os.environ['ORT_DISABLE_TELEMETRY'])"
    )
    environment = {name: value for name, value in os.environ.items() if "TELEMETRY" not in name}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "1"
    assert not list(tmp_path.iterdir())
