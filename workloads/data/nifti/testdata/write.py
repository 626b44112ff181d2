"""Writes NIfTI-1 files with nibabel, and what nibabel reads in them."""

import json
import sys
from pathlib import Path

import nibabel as nib
import numpy as np

out = Path(sys.argv[1])
draw = np.random.default_rng(1)
expected = {}
for kind in ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]:
    for order in "<>":
        for ending in [".nii", ".nii.gz"]:
            dtype = np.dtype(kind).newbyteorder(order)
            values = draw.integers(0, 120, (5, 4, 3)).astype(dtype)
            header = nib.Nifti1Header(endianness=order)
            header.set_data_dtype(dtype)
            header.extensions.append(
                nib.nifti1.Nifti1Extension("comment", b"Doe, Jane")
            )
            image = nib.Nifti1Image(values, np.diag([2, 2, 3, 1]), header)
            if kind == "i2":
                image.header.set_slope_inter(0.25, -100)
            name = f"{kind}-{'little' if order == '<' else 'big'}{ending}"
            nib.save(image, out / name)
            read = nib.load(out / name)
            assert read.header.endianness == order
            # The file's order: the first dimension is the fastest.
            expected[name] = (
                read.get_fdata().astype(np.float32).ravel(order="F").tolist()
            )
nib.save(nib.Nifti1Pair(values, np.eye(4)), out / "pair.img")
nib.save(nib.Nifti2Image(values, np.eye(4)), out / "second.nii")
(out / "expected.json").write_text(json.dumps(expected))
