# SPDX-License-Identifier: Apache-2.0
"""Laws of attention and table models in plain Python loops, straight from the definitions.

A model is the parsed JSON of a `stinespring/attention@1` or `stinespring/table@1` file, a text the list of
its token numbers, prompt included. Nothing is validated beyond what the definitions need.
"""

from __future__ import annotations

import math
from typing import Any

Model = dict[str, Any]
Vector = list[float]
Matrix = list[list[float]]


def next_token_law(model: Model, block_index: int, text: list[int]) -> list[float]:
    """Probability of every token as the next one.

    Args:
        model: the parsed file.
        block_index: 0 for the block that makes the first new token; past the list's end the last one repeats.
            A table has one law for all.
        text: the tokens so far, prompt included.

    Returns:
        d probabilities, `P(t) = sum_{j_1..j_H} p^1_{j_1} .. p^H_{j_H} readout_t(FFN(W_O (V_1 x_{j_1}, ..)))`.

    Raises:
        ValueError: if the text is too short or longer than the positions.
    """
    if model["format"] == "stinespring/table@1":
        return _table_row(model, text)
    block = _block(model, block_index)
    law = [0.0] * len(model["tokens"])
    for probability, value in _joined_values(model, block, text):
        readout = _readout(block["readout"], model["embedding"], _ffn(block["ffn"], value))
        for token, conditional in enumerate(readout):
            law[token] += probability * conditional
    return law


def attention(model: Model, block_index: int, text: list[int]) -> list[list[float]]:
    """Attention of the last token, one list of n probabilities per head.

    `p_j = exp<Q x_n, K x_j> / sum_k exp<Q x_n, K x_k>`.
    """
    return _attention(_block(model, block_index), _points(model, text))


def joint(model: Model, prompt: list[int], steps: int) -> dict[str, float]:
    """Law of the generated text: its tokens' names joined by one space to probability.

    A text ends with its stop token; texts of probability zero are left out.

    Raises:
        ValueError: if the prompt holds the stop token, which the format leaves open.
    """
    stop = model.get("stop")
    names = model["tokens"]
    if stop is not None and names.index(stop) in prompt:
        raise ValueError(f"the prompt {prompt} holds the stop token {stop!r}")
    result: dict[str, float] = {}

    def extend(generated: list[int], probability: float) -> None:
        if probability == 0.0:
            return
        if len(generated) == steps or (generated and names[generated[-1]] == stop):
            result[" ".join(names[token] for token in generated)] = probability
            return
        law = next_token_law(model, len(generated), prompt + generated)
        for token, conditional in enumerate(law):
            extend([*generated, token], probability * conditional)

    extend([], 1.0)
    return result


def nearest_margin(model: Model, block_index: int, text: list[int]) -> float:
    """How far the `nearest` readouts of one block are from a tie.

    Returns:
        The smallest difference between the least distance to an embedding row and the least distance to a
        different row, over all values that can occur; infinity where nothing is compared. Rows that are equal
        number by number always tie, so they are not compared. Below about 1e-9 two correct programs may round
        to different sides.
    """
    if model["format"] == "stinespring/table@1":
        return math.inf
    block = _block(model, block_index)
    if block["readout"]["kind"] != "nearest":
        return math.inf
    margin = math.inf
    for _, value in _joined_values(model, block, text):
        vector = _ffn(block["ffn"], value)
        distances = [_distance(row, vector) for row in model["embedding"]]
        best = distances.index(min(distances))
        for row, distance in zip(model["embedding"], distances, strict=True):
            if row != model["embedding"][best]:
                margin = min(margin, distance - distances[best])
    return margin


def joint_margin(model: Model, prompt: list[int], steps: int) -> float:
    """Smallest `nearest_margin` over all texts that can occur in the given number of steps."""
    names, stop = model["tokens"], model.get("stop")
    margin = math.inf
    texts = [list(prompt)]
    for step in range(steps):
        longer = []
        for text in texts:
            margin = min(margin, nearest_margin(model, step, text))
            for token, probability in enumerate(next_token_law(model, step, text)):
                if probability > 0.0 and names[token] != stop:
                    longer.append([*text, token])
        texts = longer
    return margin


def _table_row(model: Model, text: list[int]) -> list[float]:
    context, d = model["context"], len(model["tokens"])
    if len(text) < context:
        raise ValueError(f"a text of {len(text)} tokens is shorter than the context of {context}")
    number = 0
    for token in text[len(text) - context :]:
        # The earliest token is the most significant digit.
        number = number * d + token
    row = model["law"][number]
    total = sum(row)
    return [entry / total for entry in row]


def _block(model: Model, block_index: int) -> Model:
    blocks = model["blocks"]
    block: Model = blocks[min(block_index, len(blocks) - 1)]
    return block


def _points(model: Model, text: list[int]) -> Matrix:
    """Embedding plus position of every token."""
    if not text:
        raise ValueError("an empty text has no last token to ask")
    positions = model.get("positions")
    if positions is not None and len(text) > len(positions):
        raise ValueError(f"a text of {len(text)} tokens is longer than the {len(positions)} positions")
    points = []
    for i, token in enumerate(text):
        point = list(model["embedding"][token])
        if positions is not None:
            for k in range(len(point)):
                point[k] = point[k] + positions[i][k]
        points.append(point)
    return points


def _attention(block: Model, points: Matrix) -> Matrix:
    """Attention of every head of a block, the last point asking."""
    result = []
    for head in block["heads"]:
        query = _multiply(head["query"], points[-1])
        scores = [_dot(query, _multiply(head["key"], point)) for point in points]
        result.append(_softmax(scores))
    return result


def _joined_values(model: Model, block: Model, text: list[int]) -> list[tuple[float, Vector]]:
    """Probability and joined value of every choice of one position per head."""
    points = _points(model, text)
    choices: list[tuple[float, Vector]] = [(1.0, [])]
    for head, law in zip(block["heads"], _attention(block, points), strict=True):
        longer = []
        for probability, value in choices:
            for p, point in zip(law, points, strict=True):
                longer.append((probability * p, value + _multiply(head["value"], point)))
        choices = longer
    output = block.get("output")
    if output is None:
        return choices
    return [(probability, _multiply(output, value)) for probability, value in choices]


def _ffn(ffn: Model, vector: Vector) -> Vector:
    if ffn["kind"] == "identity":
        return vector
    layers = ffn["layers"]
    for number, layer in enumerate(layers):
        image = _multiply(layer["weight"], vector)
        vector = [entry + bias for entry, bias in zip(image, layer["bias"], strict=True)]
        if number < len(layers) - 1:
            vector = [_activation(ffn["activation"], entry) for entry in vector]
    return vector


def _activation(name: str, x: float) -> float:
    if name == "relu":
        return max(x, 0.0)
    if name == "tanh":
        return math.tanh(x)
    if name == "gelu":
        return 0.5 * x * (1.0 + math.erf(x / math.sqrt(2.0)))
    raise ValueError(f"unknown activation {name!r}")


def _readout(readout: Model, embedding: Matrix, vector: Vector) -> Vector:
    if readout["kind"] == "softmax":
        return _softmax([_dot(row, vector) / readout["temperature"] for row in embedding])
    best = 0
    for token in range(1, len(embedding)):
        # Strictly nearer: ties go to the lowest index.
        if _distance(embedding[token], vector) < _distance(embedding[best], vector):
            best = token
    return [1.0 if token == best else 0.0 for token in range(len(embedding))]


def _distance(a: Vector, b: Vector) -> float:
    return math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)))


def _dot(a: Vector, b: Vector) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def _multiply(matrix: Matrix, vector: Vector) -> Vector:
    return [_dot(row, vector) for row in matrix]


def _softmax(scores: Vector) -> Vector:
    highest = max(scores)
    exponentials = [math.exp(score - highest) for score in scores]
    total = sum(exponentials)
    return [exponential / total for exponential in exponentials]
