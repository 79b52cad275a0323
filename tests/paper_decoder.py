"""The decoder of Bahdanau, Cho and Bengio 2015, in NumPy, written from the paper's equations."""

from __future__ import annotations

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(scores, visible):
    exponential = np.where(visible, np.exp(scores - scores[visible].max()), 0)
    return exponential / exponential.sum()


def maxout(t):
    """A.2.2: the larger of each two neighbors."""
    return np.array([max(t[2 * j], t[2 * j + 1]) for j in range(len(t) // 2)])


class PaperDecoder:
    """Equations of section 3.1 and appendix A, for one sentence, with the names of the paper."""

    def __init__(self, unroll, features):
        cell, scoring = unroll.cell.cell, unroll.cell.attention.scoring
        kernel, recurrent, bias = (np.asarray(weight, "float64") for weight in cell.get_weights())
        units = len(recurrent)
        embedding = len(kernel) - features
        # Keras has one matrix over [E y; c] with the gates side by side, and 1 - z where the paper has z.
        z, r, h = (kernel[:, start : start + units] for start in (0, units, 2 * units))
        self.W_z, self.C_z = -z[:embedding], -z[embedding:]
        self.W_r, self.C_r = r[:embedding], r[embedding:]
        self.W, self.C = h[:embedding], h[embedding:]
        self.U_z, self.U_r, self.U = -recurrent[:, :units], recurrent[:, units:-units], recurrent[:, -units:]
        self.b_z, self.b_r, self.b = -bias[:units], bias[units:-units], bias[-units:]
        self.W_a = np.asarray(scoring.project_query.get_weights()[0], "float64")
        self.U_a = np.asarray(scoring.project_key.get_weights()[0], "float64")
        self.v_a = np.asarray(scoring.v, "float64")

    def attend(self, s, h, visible):
        """Equations 5 and 6, and A.1.2."""
        e = np.array([self.v_a @ np.tanh(s @ self.W_a + h_j @ self.U_a) for h_j in h])
        a = softmax(e, visible)
        return sum(a_j * h_j for a_j, h_j in zip(a, h, strict=True)), a

    def step(self, y, s, c):
        """A.2.2; E y is given. The reset gate stands before the matrix."""
        z = sigmoid(y @ self.W_z + s @ self.U_z + c @ self.C_z + self.b_z)
        r = sigmoid(y @ self.W_r + s @ self.U_r + c @ self.C_r + self.b_r)
        proposal = np.tanh(y @ self.W + (r * s) @ self.U + c @ self.C + self.b)
        return (1 - z) * s + z * proposal

    def run(self, words, s, h, visible):
        """All words of one sentence: states, contexts, weights."""
        rows = []
        for y in words:
            c, a = self.attend(s, h, visible)
            s = self.step(y, s, c)
            rows.append((s, c, a))
        return [np.array(column) for column in zip(*rows, strict=True)]
