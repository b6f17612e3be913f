# SPDX-License-Identifier: Apache-2.0
"""The same command line given to the reference's program and to arrakis-cli, against one server: its
mock backend, and its Kafka backend. A row of the table is a line and how the answers compare; where
the two differ and are meant to, the test gives the reason."""

import ast
import dataclasses
import json
import re
import socket

import numpy
import pytest
from arrakis.__main__ import parser as reference_parser
from reference_cli import Call
from server import Server, publisher_toml
from support import (
    DTYPES, SECOND, STRIDE, T0, Cluster, channel, gps_now_ns, records, seconds, unique,
)  # fmt: skip
from test_flight import CHANNELS, MIXED, OTHER, TYPES, Mock, names_of

# ---------------------------------------------------------------- how answers compare


@dataclasses.dataclass
class Answer:
    code: int
    out: str
    err: str


def succeeded(*answers):
    for a in answers:
        assert a.code == 0, a.err
        assert "Traceback" not in a.err


def values(text):
    """The JSON values of a text, however they are laid out."""
    decoder, out, at = json.JSONDecoder(), [], 0
    text = text.strip()
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        out.append(as_typed(value))
        at += len(text[at:]) - len(text[at:].lstrip())
    return out


def as_typed(value):
    """A block's samples as their types have them: digits beyond a float32's do not count."""
    for name, series in value.get("data", {}).items() if isinstance(value, dict) else ():
        if isinstance(series, list):
            dtype = numpy.dtype(value["channels"][name]["data_type"]).type
            value["data"][name] = [None if v is None else dtype(v).item() for v in series]
    return value


def first_difference(got, wanted, at=""):
    """Where two values differ, and how."""
    if type(got) is type(wanted) and isinstance(got, (dict, list)):
        if len(got) != len(wanted):
            return f"{at}: {len(got)} items, wanted {len(wanted)}"
        keys = wanted if isinstance(wanted, dict) else range(len(wanted))
        for k in keys:
            if isinstance(got, dict) and k not in got:
                return f"{at}: no {k}"
            if got[k] != wanted[k]:
                return first_difference(got[k], wanted[k], f"{at}/{k}")
    return f"{at}: {got}, wanted {wanted}"


def same_json(theirs, ours):
    succeeded(theirs, ours)
    wanted, got = values(theirs.out), values(ours.out)
    assert got == wanted, first_difference(got, wanted)
    assert theirs.out.count("\n") == ours.out.count("\n")  # laid out alike
    return wanted


def blocks(theirs, ours):
    assert same_json(theirs, ours), "no block"


def unordered_json(theirs, ours):
    """Channels come in no order from the reference (and in the one asked for from ours)."""
    succeeded(theirs, ours)
    key = lambda v: json.dumps(v, sort_keys=True)  # noqa: E731
    assert sorted(values(ours.out), key=key) == sorted(values(theirs.out), key=key)


def shapes(theirs, ours):
    """Live data: not the same moment, but as many blocks, samples and channels."""
    succeeded(theirs, ours)

    def shape(a):
        return [({n: len(s) for n, s in b["data"].items()}, b["_duration_ns"]) for b in values(a.out)]

    assert shape(theirs)
    assert shape(ours) == shape(theirs)


def text(theirs, ours):
    succeeded(theirs, ours)
    assert ours.out == theirs.out


def text_but_ports(theirs, ours):
    for a in (theirs, ours):
        a.out = re.sub(r"(://[^:/]+):\d+", r"\1", a.out)
    text(theirs, ours)


def lines(theirs, ours):
    """Lines in no order, a rate being 64.0 Hz here and 64 Hz there."""
    succeeded(theirs, ours)

    def split(a):
        return sorted(re.sub(r"\.0 Hz", " Hz", a.out).splitlines())

    assert split(ours) == split(theirs)


def python_values(theirs, ours):
    """What Python's pprint() wrote, in no order: 64.0 and 64 are the same number."""
    succeeded(theirs, ours)

    def parsed(a):
        listed = ast.literal_eval("[" + a.out.replace("\n{", ",{") + "]")
        return sorted(listed, key=lambda v: v["name"])

    assert parsed(ours) == parsed(theirs)


def cells(theirs, ours):
    """A table's rows, cell by cell; widths and titles do not count."""
    succeeded(theirs, ours)

    def rows(a):
        split = (line.split() for line in a.out.splitlines())
        return sorted([number(c) for c in row] for row in split)

    def number(cell):
        return re.sub(r"^(\d+)$", r"\1.0", cell)

    assert rows(ours) == rows(theirs)


def block_cells(theirs, ours):
    """A block's table by its channels' rows; the line about its time has words of its own."""
    keep = lambda a: "".join(  # noqa: E731
        line + "\n" for line in a.out.splitlines() if re.search(r"[HL]1:|data_type", line)
    )
    theirs.out, ours.out = keep(theirs), keep(ours)
    cells(theirs, ours)
    assert theirs.out


def failure(theirs, ours):
    """The same exit code, nothing on stdout, words on stderr; ours are never a traceback."""
    assert ours.code == theirs.code != 0, (theirs, ours)
    assert not ours.out and not theirs.out
    assert theirs.err and ours.err.startswith("arrakis-cli: ")
    assert "Traceback" not in ours.err


def failure_in_words(*words):
    def compare(theirs, ours):
        failure(theirs, ours)
        for word in words:
            assert word in theirs.err and word in ours.err, (theirs.err, ours.err)

    return compare


def latencies(theirs, ours):
    blocks(theirs, ours)
    pattern = r"(?m)^block (\d+) latency: \d+\.\d{6} s$"
    assert re.findall(pattern, ours.err) == re.findall(pattern, theirs.err) != []


# ---------------------------------------------------------------- the table

MOCK, KAFKA, NOBODY = "mock", "kafka", "nobody"


@dataclasses.dataclass
class Row:
    line: list
    compare: object = None
    server: str = MOCK
    stdin: str = ""
    # A difference by design: why, the exit codes, and what stands on ours' stdout or stderr.
    why: str = ""
    codes: tuple = ()
    says: str = ""


def same(compare, line, server=MOCK, stdin=""):
    return Row(line.split(), compare, server, stdin)


def differs(line, theirs, ours, says, why, server=MOCK, stdin=""):
    return Row(line.split(), None, server, stdin, why, (theirs, ours), says)


S, E = "1400000000", "1400000001"
I32, F32, FAST, SLOW = "H1:TYP-INT32", "H1:TYP-FLOAT32", "H1:MIX-FAST", "H1:MIX-SLOW"
ALL_TYPES = " ".join(names_of(TYPES))
ALL = " ".join(names_of(CHANNELS))

FINDING = [
    same(unordered_json, "find . --json"),
    same(unordered_json, "search . --json"),
    same(unordered_json, "list . --json"),
    same(unordered_json, "find . --json-pp"),
    same(unordered_json, "find . --json-abrv"),
    same(unordered_json, "find --json H1:TYP-INT"),
    same(unordered_json, "find --json TYP"),
    same(unordered_json, "find --json .*(FAST|SLOW)$"),
    same(unordered_json, "find --json X9:NONE"),
    same(unordered_json, "find . --json --data-type float32"),
    same(unordered_json, "find . --json --dtype int32 --dtype f8"),
    same(unordered_json, "find . --json --dtype double"),
    same(unordered_json, "find . --json --min-rate 64 --max-rate 256"),
    same(unordered_json, "find . --json --max-rate 1"),
    same(unordered_json, "find . --json --publisher FAKE"),
    same(unordered_json, "find . --json --publisher NOBODY"),
    same(unordered_json, "find . --json --publisher NOBODY --publisher FAKE --dtype i4"),
    same(unordered_json, f"find . --json --time {S}"),
    same(unordered_json, "find . --json --time 2024-05-17T16:53:02Z"),
    same(cells, "find H1: --table"),
    same(lines, "find . --str"),
    same(lines, "find . --repr"),
    same(python_values, "find . --pprint"),
    same(text, "count"),
    same(text, "count ."),
    same(text, "count H1:MIX --json"),
    same(text, "count H1:MIX --repr"),
    differs("count H1:MIX --pprint", 0, 0, "3\n",
            "a number is a number; the reference has no words for one: \"??<class 'int'>??\""),
    same(text, "count --dtype float32 --min-rate 100"),
    same(text, "count --publisher NOBODY"),
    same(text, f"count . --time {S}"),
    same(unordered_json, f"describe --json {I32}"),
    same(unordered_json, f"show --json {I32} {FAST}"),
    same(unordered_json, f"describe --json-pp {ALL}"),
    same(unordered_json, f"describe --json {I32} {I32}"),
    same(unordered_json, f"describe --json {I32} --time {S}"),
    same(cells, f"describe {I32} {FAST}"),
    same(lines, f"describe --str {I32} {FAST}"),
    same(lines, f"describe --repr {ALL}"),
    same(python_values, f"describe --pprint {ALL}"),
    same(unordered_json, "describe --json -", stdin=f"# names\n\n{I32}\n  {FAST} \n"),
    same(unordered_json, f"describe --json {SLOW} -", stdin=f"{I32}\n"),
    same(failure, "find"),
    same(failure, "find H1:("),
    same(failure, "count H1:["),
    same(failure_in_words("H1:NOPE-X"), "describe H1:NOPE-X"),
    same(failure_in_words("H1:NOPE-X"), f"describe {I32} H1:NOPE-X"),
    same(failure, "describe nocolon"),
    same(failure_in_words("GWTC"), "find . --replay-id GWTC"),
    same(failure_in_words("GWTC"), f"describe {I32} --replay-id GWTC"),
    differs("find . --min-rate 0.5 --max-rate 1 --json", 2, 0, "H1:MIX-SECOND",
            "rates are real numbers: there are channels at fractions of 1 Hz"),
    differs("find . --min-rate -1", 1, 2, "number, 0 or more",
            "the reference sends it off and shows the traceback of the refusal"),
    differs("describe --table-full " + ALL, 0, 0, "1000000000",
            "where stdout is no terminal every cell is whole, not cut to 80 columns"),
]  # fmt: skip

DATA = [
    same(blocks, f"stream --json --start {S} --end {E} {I32}"),
    same(blocks, f"stream --json --start {S} --end {E} {ALL_TYPES}"),
    same(blocks, f"stream --json --start {S} --end {E} {ALL}"),
    same(blocks, f"stream --json-pp --start {S} --duration 0.25 {I32} {FAST}"),
    same(blocks, f"stream --json-abrv --start {S} --duration 0.25 {I32} {FAST}"),
    same(blocks, f"stream --json --start 2024-05-17T16:53:02Z --duration 0.5 {F32}"),
    same(blocks, f"stream --json --start {S} --duration 2 --stride 0.5 {I32} {FAST}"),
    same(blocks, f"stream --json --start {S} --end {E} --stride 1 {I32} H1:MIX-SECOND"),
    same(blocks, f"stream --json --start {S} --end {E} --on-gap skip {I32}"),
    same(blocks, f"stream --json --start {S} --end {E} --on-gap raise {I32}"),
    same(blocks, f"stream --json --start {S} --end {E} --on-gap fill --no-fast-forward {I32}"),
    same(blocks, f"stream --json --start {S} --duration 0.5 {I32} {I32}"),
    same(latencies, f"stream --json --start {S} --duration 0.25 --latency {I32}"),
    same(blocks, f"stream --json --start {S} --duration 0.5 -", stdin=f"{FAST}\n# {I32}\n{SLOW}\n"),
    same(same_json, f"stream --json --start {S} --end {S} {I32}"),
    same(shapes, f"stream --json --duration 0.25 {I32} {FAST}"),
    same(shapes, f"stream --json --duration 1 --stride 0.5 {I32}"),
    same(shapes, f"stream --json --replay-start {S} --replay-end 1400000010 --duration 0.25 {I32}"),
    same(blocks, f"fetch --json --start {S} --end {E} {ALL_TYPES}"),
    same(blocks, f"fetch --json --start {S} --duration 2.5 {I32} {FAST}"),
    same(blocks, f"fetch --json --start {S} {I32}"),
    same(blocks, f"fetch --json --start {S} {SLOW} H1:MIX-SECOND"),
    same(blocks, f"fetch --json-pp --start {S} {I32}"),
    same(blocks, f"fetch --json-abrv --start {S} --duration 1 {I32} {FAST} {SLOW}"),
    same(blocks, f"fetch --json --start {S} -", stdin=f"{I32}\n"),
    same(block_cells, f"fetch --start {S} {I32} H1:MIX-SECOND"),
    same(block_cells, f"fetch --start {S} --table --duration 1 {ALL_TYPES}"),
    same(shapes, f"fetch --json {I32}"),
    same(shapes, f"fetch --json --duration 0.5 {I32} {FAST}"),
    same(shapes, f"fetch --json --replay-start {S} --replay-end 1400000010 --duration 0.25 {I32}"),
    same(failure_in_words("H1:NOPE-X"), f"stream H1:NOPE-X --start {S} --end {E}"),
    same(failure_in_words("H1:NOPE-X"), f"fetch H1:NOPE-X --start {S}"),
    same(failure_in_words("--end", "--start"), f"fetch {I32} --end {S}"),
    same(failure_in_words("stride"), f"stream --start {S} --end {E} --stride 0.1 {I32}"),
    same(failure, f"fetch --start {E} --end {S} {I32}"),
    same(failure, f"fetch --start {S} --end {S} {I32}"),
    same(failure_in_words("GWTC"), f"stream --json --replay-id GWTC --duration 1 {I32}"),
    same(blocks, f"stream --json --start {S} --duration 0.5 --replay-start {S} "
                 f"--replay-end 1400000010 {I32}"),
    differs(f"stream --json --start 1400000000.03 --end 1400000000.1 {I32}", 1, 0,
            "1400000000000000000",
            "a start between strides begins with the block that holds it; the reference fails at "
            "its second block"),
    differs(f"stream --json --start {S} --duration 0 {I32}", 0, 1, "expected 1 or more",
            "no time at all is a mistake that is told"),
    differs(f"stream --json --replay-start {S} {I32}", 1, 2, "--replay-end",
            "seen in the command line, before the server is asked"),
    differs(f"fetch --str --start {S} {I32}", 0, 0, "array([0, 16, 32, 48], dtype=int32)",
            "a block is one line; numpy pads the numbers of an array and breaks its lines"),
    differs(f"fetch --repr --start {S} {FAST}", 0, 0, "array([7.0, 7.5, 8.0, ...,",
            "as above, and a long series is abridged from 16 samples on, not from 1000"),
    differs(f"fetch --pprint --start {S} {I32}", 0, 0, "array([0, 16, 32, 48], dtype=int32)",
            "as above"),
    differs(f"stream --table --start {S} --duration 0.125 {I32}", 0, 0, "1400000000.0625",
            "where stdout is no terminal each block's table is kept, not only the last one's"),
]  # fmt: skip

KAFKA_BACKEND = [
    same(unordered_json, "find --json {P}.*", KAFKA),
    same(unordered_json, "find --json . --publisher {id}", KAFKA),
    same(unordered_json, "find --json . --publisher {id} --dtype float64 --min-rate 64", KAFKA),
    same(text, "count . --publisher {id}", KAFKA),
    same(unordered_json, "describe --json {names}", KAFKA),
    same(lines, "describe --repr {names}", KAFKA),
    same(unordered_json, "describe --json -", KAFKA, stdin="{lines}"),
    same(blocks, "stream --json --start {start} --end {end} {names}", KAFKA),
    same(blocks, "stream --json --kafka-url {broker} --start {start} --end {end} {names}", KAFKA),
    same(blocks, "stream --json --kafka-url {broker} --start {start} --end {end} --stride 0.5 {names}",
         KAFKA),
    same(blocks, "fetch --json --start {start} --duration 1 {names_but_1}", KAFKA),
    same(blocks, "fetch --json --start {start} {names_but_2}", KAFKA),
    same(failure_in_words("H1:NOPE-X"), "describe H1:NOPE-X", KAFKA),
    same(failure_in_words("H1:NOPE-X"), "stream --kafka-url {broker} H1:NOPE-X", KAFKA),
    same(text_but_ports, "server-info --endpoints", KAFKA),
    same(text, "replays", KAFKA),
    same(text, "domains", KAFKA),
]  # fmt: skip

SERVER = [
    same(text, "server-info -e"),
    same(text, "domains"),
    same(text, "replays"),
    same(text, "scope-map"),
    same(text, "server-info"),
]

USAGE = [
    same(failure, "bogus"),
    same(failure, "--bogus"),
    same(failure, "find . --bogus"),
    same(failure, "find . more"),
    same(failure, "find . --data-type"),
    same(failure_in_words("quark"), "find . --data-type quark"),
    same(failure_in_words("fast"), "find . --min-rate fast"),
    same(failure, "find . --time then"),
    same(failure, "describe"),
    same(failure, "stream"),
    same(failure, "fetch"),
    same(failure_in_words("bogus", "fill", "skip", "raise"), f"stream {I32} --on-gap bogus"),
    same(failure_in_words("--end", "--duration"), f"stream {I32} --end {E} --duration 1"),
    same(failure_in_words("--end", "--duration"), f"fetch {I32} --end {E} --duration 1"),
    same(failure, f"stream {I32} --duration long"),
    same(failure, f"fetch {I32} --start then"),
    same(failure, "find . --json --str"),
    same(failure, f"stream {I32} --replay-id X --replay-start 1"),
    same(failure, "-q -v count"),
    same(failure, "count", NOBODY),
    same(failure, "find .", NOBODY),
    same(failure, f"describe {I32}", NOBODY),
    same(failure, f"stream {I32}", NOBODY),
    same(failure, f"fetch {I32}", NOBODY),
    same(failure, "server-info", NOBODY),
    same(failure, "-u http://localhost:1 count"),
    differs("--version", 0, 0, "arrakis-cli 0.",
            "each has its own version, and ours says whose it is"),
    differs("", 0, 0, "Usage: arrakis-cli", "help in its own words"),
    differs("stream --help", 0, 0, "--on-gap", "help in its own words"),
    same(text, "count --json-abr"),
]  # fmt: skip

TABLE = FINDING + DATA + KAFKA_BACKEND + SERVER + USAGE

# ---------------------------------------------------------------- running them


@pytest.fixture(scope="module")
def mock(tmp_path_factory):
    with Mock(tmp_path_factory.mktemp("mock"), CHANNELS) as s:
        yield {"url": s.url}


@pytest.fixture(scope="module")
def kafka(bootstrap, tmp_path_factory):
    """Two seconds of every type on the shared broker, under names that no other test has, behind a
    server for each program. One server gives two requests for the same channels one reader, and the
    second misses what the first has had already: it gets gaps. So a row that reads data also has a
    set of channels to itself."""
    publisher = unique("SIDE")
    domain = "K" + publisher[-4:].upper() + "1"
    channels = [channel(f"{domain}:TYP-{d.upper()}", f"{publisher}_{d}", 0, d, 64) for d in DTYPES]
    config = {publisher: publisher_toml(publisher, channels, STRIDE, SECOND)}
    with (Server(bootstrap, tmp_path_factory.mktemp("kafka"), config) as s,
          Server(bootstrap, tmp_path_factory.mktemp("theirs"), config) as t):  # fmt: skip
        start = gps_now_ns() // SECOND * SECOND - 4 * SECOND
        Cluster(bootstrap).send(records(channels, start, start + 2 * SECOND))
        names = [c.name for c in channels]
        yield {"url": s.url, "theirs": t.url, "broker": bootstrap, "id": publisher, "P": domain,
               "names": " ".join(names), "names_but_1": " ".join(names[1:]),
               "names_but_2": " ".join(names[2:]), "lines": "\n".join(names),
               "start": seconds(start), "end": seconds(start + 2 * SECOND)}  # fmt: skip


@pytest.fixture(scope="module")
def nobody():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        yield {"url": f"grpc://127.0.0.1:{s.getsockname()[1]}"}


def identity(row):
    return f"{row.server}: {' '.join(row.line)}"[:90]


@pytest.mark.parametrize("row", TABLE, ids=identity)
def test_the_same_line(row, cli, request, tmp_path, monkeypatch):
    place = request.getfixturevalue(row.server)

    def filled(t):
        return re.sub(r"\{(\w+)\}", lambda m: place[m[1]], t)

    line = [] if not row.line else filled(" ".join(row.line)).split(" ")
    monkeypatch.setenv("ARRAKIS_SERVER", place["url"])
    monkeypatch.setenv("ARRAKIS_LOG_LEVEL", "WARNING")
    theirs = place.get("theirs", place["url"])
    environment = {"ARRAKIS_SERVER": theirs, "ARRAKIS_LOG_LEVEL": "WARNING", "COLUMNS": "80"}
    call = Call(tmp_path, line, environment, filled(row.stdin))
    done = cli.run(*line, stdin=filled(row.stdin), check=None)
    ours = Answer(done.returncode, done.stdout, done.stderr)
    theirs = Answer(*call.result())
    if row.compare:
        row.compare(theirs, ours)
        return
    assert (theirs.code, ours.code) == row.codes, (theirs.err, ours.err)
    assert row.says in ours.out + ours.err
    assert (theirs.code, theirs.out) != (ours.code, ours.out), "they agree: not a difference any more"


def test_the_table_is_one():
    lines = [(r.server, *r.line, r.stdin) for r in TABLE]
    assert len(set(lines)) == len(lines) >= 60
    assert all(r.why for r in TABLE if not r.compare)


def ours_options(cli, *command):
    """option -> whether it takes a value, out of the help."""
    out = {}
    for line in cli.run(*command, "--help").stdout.splitlines():
        if not re.match(r" +(-\w, )?--[a-z]", line):
            continue
        # "  -X, --name, --other VALUE   text"; the text may be on the next line
        names = re.match(r"(?: *,? +--?[A-Za-z][a-z-]*)+( [A-Z][A-Z:]*)?", line)
        out |= dict.fromkeys(re.findall(r"--?[A-Za-z][a-z-]*", names[0]), bool(names[1]))
    return out


def test_every_command_alias_and_option_of_the_reference_is_ours(cli):
    commands = next(a.choices for a in reference_parser._actions if a.choices and not a.option_strings)
    assert len(commands) >= 13
    for name, command in [(None, reference_parser), *commands.items()]:
        ours = ours_options(cli, *[name] if name else [])
        for action in command._actions:
            for option in action.option_strings:
                assert option in ours, f"{name} has no {option}"
                assert ours[option] == (action.nargs != 0), f"{name} {option}"
            # ours has the same choices in words of its own; argparse shows them
            if action.option_strings and action.choices:
                text = cli.run(name, "--help").stdout
                assert all(str(c) in text for c in action.choices)
