#!/usr/bin/env bash
# Load balancers of a tenant, used by a client that is in neither cluster: ports of both protocols,
# their changes, the client's own address, another implementation's class, and the end.
port=10543
source "$(dirname "${BASH_SOURCE[0]}")/clusters.sh"

# The client is a process in a network of its own, with a link to the management node.
client_address=172.31.255.2
in_client() { nsenter -t "$client" -n "$@"; }
make_client() {
  local node
  node=$(pgrep -f "nestor node init --state $state")
  unshare --net sleep infinity &
  client=$!
  alone() { [[ $(readlink /proc/$client/ns/net) != $(readlink /proc/self/ns/net) ]]; }
  retry 10 alone || die "the client has no network of its own"
  in_client ip link add name eth0 type veth peer name client netns "$node"
  in_client ip addr add $client_address/30 dev eth0
  in_client ip link set eth0 up
  nsenter -t "$node" -n ip addr add 172.31.255.1/30 dev client
  nsenter -t "$node" -n ip link set client up
  in_client ip route add default via 172.31.255.1
}

address() { t demo get service "$1" -o jsonpath='{.status.loadBalancer.ingress[0].ip}'; }
has_address() { [[ $(address "$1") ]]; }
# tcp PORT PATH, udp PORT WORD LENGTH: what the Service answers to the client.
tcp() { in_client curl --silent --fail --max-time 5 "http://$at:$1/$2"; }
udp() {
  # shellcheck disable=SC2016 # for the other shell
  in_client timeout 5 bash -c 'exec 3<>"/dev/udp/$0/$1" && echo "$2" >&3 && head -c "$3" <&3' \
    "$at" "$1" "$2" "$3"
}
# is WANTED COMMAND...
is() { [[ $("${@:2}") == "$1" ]]; }
pod() { t demo get pod -l app=web -o jsonpath='{.items[0].metadata.name}'; }

start
make_client
create demo --workers 2 --cpu 1
t demo create deployment web --image $agnhost -- /agnhost netexec --http-port=8080 --udp-port=8081
t demo rollout status deployment web --timeout=240s
t demo apply -f - <<EOF
apiVersion: v1
kind: Service
metadata: {name: foreign}
spec: {type: LoadBalancer, loadBalancerClass: example.com/other, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  selector: {app: web}
  ports:
  - {name: http, port: 80, targetPort: 8080}
  - {name: more, port: 90, targetPort: 8080}
  - {name: names, port: 80, targetPort: 8081, protocol: UDP}
EOF
retry 60 has_address web || die "no address: $(t demo describe service web)"
at=$(address web)
say "TCP and UDP on $at"
name=$(pod)
retry 60 is "$name" tcp 80 hostname || die "no answer on 80/TCP"
retry 60 is "$name" tcp 90 hostname || die "no answer on 90/TCP"
retry 60 is "$name" udp 80 hostname ${#name} || die "no answer on 80/UDP"

say "a port goes, another comes; the address stays"
t demo patch service web --type json -p '[{"op": "replace", "path": "/spec/ports/1/port", "value": 91}]'
retry 60 is "$name" tcp 91 hostname || die "no answer on 91/TCP"
closed() { ! tcp 90 hostname >/dev/null; }
retry 60 closed || die "90/TCP still answers"
retry 60 is "$name" udp 80 hostname ${#name} || die "no answer on 80/UDP"
equal "address" "$(address web)" "$at"

say "the client's own address, wherever the pod is"
t demo patch service web -p '{"spec": {"externalTrafficPolicy": "Local"}}'
seen() { [[ $(tcp 80 clientip) == "$client_address":* ]]; }
always_seen() { for _ in 1 2 3 4 5 6 7 8; do seen || return; done; }
retry 60 always_seen || die "the pod sees $(tcp 80 clientip), not $client_address"
on=$(t demo get pod "$name" -o jsonpath='{.spec.nodeName}')
t demo cordon "$on"
t demo delete pod "$name"
t demo rollout status deployment web --timeout=240s
[[ $(t demo get pod "$(pod)" -o jsonpath='{.spec.nodeName}') != "$on" ]] || die "the pod is on $on again"
retry 60 always_seen || die "the pod on the other node sees $(tcp 80 clientip), not $client_address"
t demo uncordon "$on"

say "no balancer any more"
t demo patch service web -p '{"spec": {"type": "ClusterIP", "externalTrafficPolicy": null}}'
closed() { ! tcp 80 hostname >/dev/null; }
retry 60 closed || die "80/TCP still answers"
without_address() { ! has_address web; }
retry 60 without_address || die "the Service still has $(address web)"
equal "Services of the tenant in the management cluster" \
  "$(m get services -l cluster.x-k8s.io/tenant-service-name=web -o name)" ""
! has_address foreign || die "a Service of another class has $(address foreign)"
delete_cluster demo
