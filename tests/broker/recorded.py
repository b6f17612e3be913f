# SPDX-License-Identifier: Apache-2.0
"""What is in a recorded file, as h5py, gwframe and pyarrow read it."""

import gwframe
import h5py
import numpy
import pyarrow
from support import SECOND


def read_hdf5(path):
    with h5py.File(path) as f:
        for name in f["masks"]:
            rate = 1 / f[name].attrs["dx"]
            yield name, f[name].attrs["x0"], rate, f[name][:], f["masks"][name][:]


def read_gwf(path):
    gps, length = map(int, path.stem.split("-")[2:])
    for name, one in gwframe.read(path, start=gps, end=gps + length, allow_invalid=True, aux_mask=True).items():
        mask = numpy.zeros(len(one.array), bool) if one.mask is None else one.mask
        yield name, one.start, one.sample_rate, one.array, mask


def read_arrow(path):
    with pyarrow.memory_map(str(path)) as f:
        table = pyarrow.ipc.open_file(f).read_all()
    for name in table.column_names[1:]:
        rate = float(table.schema.field(name).metadata[b"rate"])
        for t, row in zip(table["time"].to_pylist(), table[name]):
            values = row.values
            data = values.fill_null(0).to_numpy(zero_copy_only=False)
            yield name, t / SECOND, rate, data, values.is_null().to_numpy(zero_copy_only=False)


READ = {".h5": read_hdf5, ".gwf": read_gwf, ".arrow": read_arrow}
EXTENSION = {"hdf5": "h5", "gwf": "gwf", "arrow": "arrow"}


def read(path):
    """For each channel, or each block of one: name, begin in seconds, rate, samples, and which of them are missing."""
    return READ[path.suffix](path)


def read_file(path, cs):
    """The name of each channel, all of which are there and no other -> its samples and its mask. What an Arrow file has
    no row of is masked; files of the others have all of their span, which is what their names tell."""
    gps, length = map(int, path.stem.split("-")[-2:])
    of = {c.name: c for c in cs}
    counts = {c.name: round(length * c.sample_rate) for c in cs}
    out = {c.name: (numpy.zeros(counts[c.name], c.data_type), numpy.ones(counts[c.name], bool)) for c in cs}
    seen = set()
    for name, start, rate, data, mask in read(path):
        samples, masked = out[name]
        assert rate == of[name].sample_rate and data.dtype == samples.dtype, (path, name)
        at = round((start - gps) * rate)
        assert at >= 0 and at + len(data) <= len(samples), (path, name)
        assert path.suffix == ".arrow" or (start == gps and len(data) == len(samples)), (path, name)
        samples[at:at + len(data)], masked[at:at + len(data)] = data, mask
        seen.add(name)
    assert seen == set(of), path
    return out
