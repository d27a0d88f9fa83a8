#!/usr/bin/env bash
# How long a person waits in a cluster that is there: a Service until its first byte from outside, a
# claim until the pod with it is ready, a pod that fits nowhere until it runs on a node made for it.
# Each with the moments on the way, in milliseconds since it was asked for.
port=19443
source "$(dirname "${BASH_SOURCE[0]}")/../e2e/story.sh"

now() { date +%s%3N; }
# since TEXT...: a line of the time line.
since() { printf '  %7d ms  %s\n' "$(($(now) - began))" "$*"; }
# stamped: each line of the input with the moment it came.
stamped() { while read -r line; do since "$line"; done; }

# events WHO KUBECONFIG KIND...: follows the events of objects of these kinds.
events() {
  local filter
  filter=$(IFS='|' && echo "${*:3}")
  kubectl --kubeconfig "$2" get events -A --watch-only \
    -o jsonpath='{.involvedObject.kind}/{.involvedObject.name} {.reason}{"\n"}' |
    grep --line-buffered -E "^($filter)/" | sed -u "s/^/$1: /" | stamped &
}

# measure TITLE COMMAND...: what it does, with the time line.
measure() {
  say "$1"
  began=$(now)
  "${@:2}"
  # The watches end with what they write to.
  for follower in $(jobs -p); do kill "$follower" 2>/dev/null || true; done
  wait 2>/dev/null || true
}

service() {
  events tenant "$work/demo.kubeconfig" Service
  events management "$state/admin.kubeconfig" Service
  t demo expose pod web-0 --name outside --port 80 --target-port 8080 --type LoadBalancer >/dev/null
  since "created"
  first_byte() {
    local address
    address=$(t demo get service outside -o jsonpath='{.status.loadBalancer.ingress[0].ip}') && [[ $address ]] &&
      curl --silent --fail --max-time 1 --proxytunnel --proxy "http://127.0.0.1:$((port - 1))" "http://$address/hostname" >/dev/null
  }
  until first_byte; do :; done
  since "first byte"
}

disk() {
  events tenant "$work/demo.kubeconfig" PersistentVolumeClaim Pod
  events management "$state/admin.kubeconfig" PersistentVolumeClaim Pod VirtualMachineInstance
  claim measured >/dev/null
  pod measured 10m measured >/dev/null
  since "created"
  ready measured >/dev/null
  since "pod ready"
}

growth() {
  events tenant "$work/demo.kubeconfig" Pod Node
  events management "$state/admin.kubeconfig" MachineDeployment MachineSet Machine VirtualMachine
  deployment filler 1 600m >/dev/null
  since "created"
  t demo rollout status deployment filler --timeout=900s >/dev/null
  since "pod ready"
}

start
cat >"$work/demo.yaml" <<EOF
nodeGroups:
  workers: {min: 1, max: 2, cpu: 1, memory: 2Gi}
EOF
create demo -f "$work/demo.yaml"
application demo
measure "a Service until its first byte" service
measure "a claim until the pod with it is ready" disk
measure "a pod that fits nowhere until it is ready" growth
