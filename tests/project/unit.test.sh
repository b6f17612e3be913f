#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The systemd unit of README: its command line is one that the program takes, and systemd has nothing to say about it, where
# systemd is installed.
. "$(dirname "$0")/../cli/helpers.sh" none
root=$here/../..
program=$1/arrakis-cli

sed -n '/^    \[Unit\]$/,/^    WantedBy=/s/^    //p' "$root/README.md" >arrakis-record.service
for line in '\[Unit\]' '\[Service\]' '\[Install\]' 'ExecStart=/usr/local/bin/arrakis-cli record ' 'Restart=always' \
    'RestartPreventExitStatus=2' 'WantedBy=multi-user.target'; do
    says arrakis-record.service "^$line"
done

# As systemd reads it: a line that ends with a backslash goes on.
sed -e ':a' -e '/\\$/N; s/\\\n//; ta' arrakis-record.service | sed -n 's/^ExecStart=[^ ]* //p' >line
read -ra words <line
[ "${#words[@]}" -ge 8 ] || complain "ExecStart has ${#words[@]} words"
# A broker that is not there is 1, and a wrong command line 2, after which the unit is not started again.
for i in "${!words[@]}"; do
    [ "${words[i]}" != /data ] || words[i]=.
    [ "${words[i]}" != broker1:9092,broker2:9092 ] || words[i]=127.0.0.1:1
done
exits 1 "$program" "${words[@]}" --timeout 1
says err 'no broker answers'
exits 2 "$program" "${words[@]}" --no-such-option

if command -v systemd-analyze >/dev/null; then
    sed -i "s#/usr/local/bin/arrakis-cli#$program#" arrakis-record.service
    systemd-analyze verify ./arrakis-record.service >verified 2>&1 || complain "systemd-analyze verify failed"
    # It looks at what the machine has, too, and may say something of other units.
    if grep arrakis-record verified; then complain "systemd has something to say about the unit"; fi
fi

finish
