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


def read_channel(path, c, begin_ns, duration_ns):
    """The samples of one channel in that time, and which of them are there."""
    count = round(duration_ns * c.sample_rate / SECOND)
    found, present = numpy.zeros(count, c.data_type), numpy.zeros(count, bool)
    for name, start, rate, data, mask in read(path):
        if name == c.name:
            assert rate == c.sample_rate and data.dtype == found.dtype, (path, name)
            at = round((start - begin_ns / SECOND) * rate)
            assert at >= 0 and at + len(data) <= count, (path, name)
            found[at:at + len(data)], present[at:at + len(data)] = data, ~mask
    return found, present
