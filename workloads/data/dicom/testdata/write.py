"""Writes DICOM files with pydicom, and what pydicom reads in them: its own
decoding, rescaled as PS3.3 C.11.1 has it."""

import io
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_rescale, pixel_array
from pydicom.sequence import Sequence
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
    generate_uid,
)

out = Path(sys.argv[1])
draw = np.random.default_rng(1)
expected = {}


def dataset(syntax, bits, stored, signed, shape, slope=None, intercept=None):
    """A file of one frame, or of several if the shape has three extents."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = (
        ComputedRadiographyImageStorage
    )
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = generate_uid()
    ds.PatientName, ds.PatientID, ds.SeriesInstanceUID = (
        "Doe^Jane",
        "4711",
        generate_uid(),
    )
    inner = Dataset()
    inner.ReferencedSOPInstanceUID = generate_uid()
    ds.ReferencedImageSequence = Sequence([inner, inner])
    ds.add_new((0x0009, 0x0010), "LO", "PRIVATE")
    ds.add_new((0x0009, 0x1001), "UN", bytes(40))
    ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PhotometricInterpretation = (
        *shape[-2:],
        1,
        "MONOCHROME2",
    )
    if len(shape) == 3:
        ds.NumberOfFrames = shape[0]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = (
        bits,
        stored,
        stored - 1,
        signed,
    )
    if slope is not None:
        ds.RescaleSlope, ds.RescaleIntercept = slope, intercept
    low = -(2 ** (stored - 1)) if signed else 0
    pixels = draw.integers(low, low + 2**stored, shape)
    kind = np.dtype(f"{'i' if signed else 'u'}{bits // 8}").newbyteorder(
        ">" if syntax == ExplicitVRBigEndian else "<"
    )
    ds.PixelData = pixels.astype(kind).tobytes()
    if len(ds.PixelData) % 2:
        ds.PixelData += b"\0"
    ds["PixelData"].VR = "OB" if bits == 8 else "OW"
    return ds


def save(name, ds, read=True):
    path = out / name
    ds.save_as(path, enforce_file_format=True)
    if read:
        values = apply_rescale(pixel_array(path), ds)
        expected[name] = (
            values.reshape(-1, ds.Rows * ds.Columns).astype(np.float32).tolist()
        )


save("ct.dcm", dataset(ExplicitVRLittleEndian, 16, 12, 0, (32, 24), "1", "-1024"))
save("implicit.dcm", dataset(ImplicitVRLittleEndian, 16, 16, 1, (5, 7), "0.5", "3.25"))
save("big.dcm", dataset(ExplicitVRBigEndian, 16, 16, 1, (6, 4)))
save("cr.dcm", dataset(ExplicitVRLittleEndian, 8, 8, 0, (3, 5)))
save("frames.dcm", dataset(ImplicitVRLittleEndian, 16, 10, 1, (4, 6, 8), "2", "1"))

ds = dataset(JPEGBaseline8Bit, 8, 8, 0, (2, 16, 24), "2", "-7")
jpegs = []
for n in range(2):
    plane = np.add.outer(np.arange(16) * 5, np.arange(24) * 4 + 30 * n).astype(np.uint8)
    jpeg = io.BytesIO()
    Image.fromarray(plane).save(jpeg, "JPEG", quality=90)
    jpegs.append(jpeg.getvalue())
ds.PixelData = encapsulate(jpegs)
ds["PixelData"].VR = "OB"
save("jpeg.dcm", ds)

ds = dataset(ExplicitVRLittleEndian, 16, 12, 0, (16, 16))
ds.compress(RLELossless)
save("rle.dcm", ds, read=False)
(out / "expected.json").write_text(json.dumps(expected))
