#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: words.sh [DIRECTORY]: fails when a comment, a text or a document has one of the habits that readers stumble
# over, or a static function a name that tells nothing. Each is a pattern and what to write instead; CONTRIBUTING.md,
# "Plain English", has the rest.
set -u
cd "${1-$(dirname "$0")/..}" || exit 1
failed=0

# Lines that may stay although a pattern finds them, as parts of "file:line: text".
allowed=(
    "CONTRIBUTING.md:.*Data and servers do not say"
    "tools/words.sh:.*found '"
    "docs/glossary.md:.*Arrow calls a sequence of messages a stream too"
)

found() { # WHAT TO WRITE, then "file:line:text" on stdin
    local line entry
    while IFS= read -r line; do
        for entry in "${allowed[@]}"; do
            [[ $line =~ $entry ]] && continue 2
        done
        printf '%s\n    %s\n' "$line" "$1"
        failed=1
    done
}

prose() { # EXTENDED REGEX: in comments, texts and documents
    grep -rnE "$1" --include='*.c' --include='*.h' --include='*.cpp' --include='*.py' --include='*.pyi' \
        --include='*.sh' --include='*.md' --include='*.1' --include='*.txt' \
        include src cli examples docs python fuzz bench tests tools ./*.md
}

texts() { # EXTENDED REGEX: in string literals of the library and the program, which users read
    grep -rnE "^[^\"]*(\"([^\"\\\\]|\\\\.)*\"[^\"]*)*\"([^\"\\\\]|\\\\.)*($1)" --include='*.c' --include='*.h' src cli python/src
}

of='(one|bytes|bits?|lines?|rows?|columns?|numbers?|messages?|samples?|threads?|connections?|times|CPU)'
each='(streams?|inputs?|samples?|partitions?|messages?|rows?|strides?|blocks?|channels?|lines?|second|subcommand|topics?|calls?|files?|records?|connections?|servers?|nodes?|day|page)'
found 'write "per": one per partition, bytes per sample' < <(prose "\b$of a $each\b")
found 'name it: what is it not, or what does not exist?' < <(prose '\b(that|which) (is|are) none\b')
found 'data, servers and options do not say: "not given", "did not report"' < <(prose '\b(does|do|did|will) not say\b')
found 'data arrives; nobody owes it or hears it' < <(prose '\b(it|they|server|servers|stream|endpoint) (owes?|hears?)\b')
found 'write "expected"' < <(texts '\bwanted\b|\bwant (a|an|one|at|KEY)\b|: want\b')
found 'write "is not a ..."' < <(texts '\b(that|which|it|its [a-z]+) (is|are) no [a-z]')
found 'write "giving up on ..."' < <(texts 'taken for dead|\bgiven up, ')
found 'write "ignoring ..."' < <(texts '\bpassed over\b')

# Words that the glossary has another one for: selection, outage, segment, handover, input, connect.
old='wish(es)?|troubles?|roster|intake|episodes?|legs?|seams?|stripes?|lanes?|barren|dial|flight_part'
found 'docs/glossary.md has the word for it' < <(
    grep -rnE "(\b|_)($old)(\b|_)" --include='*.c' --include='*.h' src cli include python/src
)

# Static functions whose name is a verb alone: several files have such a function, and no tool tells them apart.
verbs='add|align|allocate|allows|append|arm|ask|assign|begin|begins|bind|blank|bound|charge|check|choose|classify|clashes|clear'
verbs+='|close|collect|compare|compile|complete|compose|configure|consider|consume|convert|copy|count|cut|decode|demonstrate'
verbs+='|describe|dial|differ|discover|distance|divide|drain|drop|encode|end|enter|exchange|extend|fetch|fill|find|finish|flush'
verbs+='|follow|forget|forward|free|gather|get|grow|handle|has|hear|hold|init|introduce|join|judge|keep|leave|lend|limit|load'
verbs+='|make|mark|match|matches|measure|merge|mismatch|move|multiply|next|note|notify|offer|open|parse|place|plan|poll|pop'
verbs+='|prepare|present|print|publish|pull|push|put|reaches|read|rebase|recount|refill|refuse|register|release|remove|replace'
verbs+='|reset|restart|run|say|scale|send|serve|set|settle|shift|show|skip|spend|split|start|stay|step|stir|stop|store|submit'
verbs+='|take|trim|try|unmark|update|wait|want|wanted|watch|weigh|write'
found 'name its object, too: queue_pop, find_reader' < <(
    grep -rnE "^static ([A-Za-z_][A-Za-z_0-9]* )+\**($verbs)\(" --include='*.c' --include='*.h' src cli python/src
)

exit "$failed"
