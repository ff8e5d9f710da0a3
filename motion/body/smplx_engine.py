"""The same mesh through the ``smplx`` package, when somebody asks for it."""

import contextlib
import io

import torch
from jaxtyping import Float
from torch import Tensor

from motion.body.files import BodyArrays
from motion.optional import require
from motion.representation import split_full_pose


class SmplxEngine:
    """``smplx.SMPLX`` over a body file; the package has a non-commercial licence of its own."""

    def __init__(self, arrays: BodyArrays) -> None:
        smplx = require("smplx", extra="body")
        self._num_betas = max(arrays.shape_dirs.shape[2], 1)
        self._num_expressions = max(arrays.expression_dirs.shape[2], 1)
        with contextlib.redirect_stdout(io.StringIO()):  # it prints about short shape spaces
            self._model = smplx.SMPLX(
                str(arrays.path),
                ext="npz",
                batch_size=1,
                use_pca=False,
                flat_hand_mean=True,  # the relaxed hand is already in the pose
                num_betas=self._num_betas,
                num_expression_coeffs=self._num_expressions,
            ).to(arrays.template.device)

    @torch.no_grad()
    def vertices(
        self,
        pose: Float[Tensor, "T J 3"],
        transl: Float[Tensor, "T 3"],
        betas: Float[Tensor, " C"],
        expression: Float[Tensor, "T E"],
    ) -> Float[Tensor, "T V 3"]:
        """World positions of the mesh, metres; every parameter is passed, as smplx needs it."""
        fields = split_full_pose(pose.flatten(-2))
        result = self._model(
            **fields,
            transl=transl,
            betas=_filled(betas, self._num_betas).expand(len(pose), -1),
            expression=_filled(expression, self._num_expressions),
        )
        return result.vertices  # type: ignore[no-any-return]


def _filled(values: Float[Tensor, "*T N"], width: int) -> Float[Tensor, "*T M"]:
    return torch.nn.functional.pad(values, (0, width - values.shape[-1]))
