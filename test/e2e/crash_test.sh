#!/usr/bin/env bash
# The manager is killed ten times at random during the whole way: it ends the same.
port=15443
source "$(dirname "${BASH_SOURCE[0]}")/way.sh"

# The processes of the manager in this test's node.
managers() {
  local process
  for process in /proc/[0-9]*; do
    [[ $(tr '\0' ' ' 2>/dev/null <"$process/cmdline") == *"nestor manager "* ]] &&
      grep -qs "$group" "$process/cgroup" && echo "${process#/proc/}"
  done
}

kill_at_random() {
  local pid kills=0
  while ((kills < 10)); do
    sleep "$((RANDOM % 20)).$((RANDOM % 10))"
    for pid in $(managers); do
      kill -9 "$pid" && kills=$((kills + 1)) && echo "$kills" >"$work/kills" && say "manager killed ($kills)"
    done
  done
}

seed=${SEED:-$RANDOM}
say "SEED=$seed"
RANDOM=$seed
start
kill_at_random &
killer=$!
way
wait "$killer"
killer=
equal "kills" "$(<"$work/kills")" 10
restarts=$(m -n nestor-system get pods -l app.kubernetes.io/component=manager \
  -o jsonpath='{.items[*].status.containerStatuses[*].restartCount}')
((restarts >= 9)) || die "the manager was started again $restarts times only"
