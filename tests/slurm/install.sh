#!/usr/bin/env bash
# Debian's Slurm, munge and MariaDB for `make test-slurm`, where root and apt allow it; none of their services is started.
# Where they cannot be had it says so and ends well: the tests then skip themselves, as loudly.
set -euo pipefail
export PATH=$PATH:/usr/sbin DEBIAN_FRONTEND=noninteractive

skip() { echo "NO SLURM INSTALLED: $*; the tests on a real Slurm will be skipped" >&2; exit 0; }

missing=0
for program in munged slurmctld slurmd slurmdbd mariadbd sbatch; do
  command -v "$program" >/dev/null || missing=1
done
[ "$missing" = 1 ] || exit 0
[ "$(id -u)" = 0 ] || skip "not root"
command -v apt-get >/dev/null || skip "no apt-get"

policy=/usr/sbin/policy-rc.d   # what this says about starting services is asked by every package
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
apt-get update -qq && apt-get install -y -qq --no-install-recommends slurm-wlm slurmdbd munge mariadb-server >/dev/null ||
  skip "apt-get failed"
