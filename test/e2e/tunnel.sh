# shellcheck shell=bash
# What needs a way from the control plane to the nodes, with every direct way closed.

# Serves /mutating-configmaps on 8443 and, on 8444, an API whose every path answers.
servers() {
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=servers -keyout "$work/key.pem" -out "$work/cert.pem" \
    -addext subjectAltName=DNS:webhook.default.svc,DNS:api.default.svc 2>/dev/null
  t demo create secret tls servers --cert "$work/cert.pem" --key "$work/key.pem"
  t demo apply -f - <<EOF
apiVersion: v1
kind: Pod
metadata: {name: servers, labels: {app: servers}}
spec:
  terminationGracePeriodSeconds: 1
  volumes: [{name: tls, secret: {secretName: servers}}]
  containers:
  - name: webhook
    image: $agnhost
    args: [webhook, --port=8443, --tls-cert-file=/tls/tls.crt, --tls-private-key-file=/tls/tls.key]
    volumeMounts: [{name: tls, mountPath: /tls}]
    readinessProbe: {tcpSocket: {port: 8443}}
  - name: api
    image: $agnhost
    args: [netexec, --http-port=8444, --udp-port=-1, --tls-cert-file=/tls/tls.crt, --tls-private-key-file=/tls/tls.key]
    volumeMounts: [{name: tls, mountPath: /tls}]
    readinessProbe: {tcpSocket: {port: 8444}}
---
apiVersion: v1
kind: Service
metadata: {name: webhook}
spec: {selector: {app: servers}, ports: [{port: 443, targetPort: 8443}]}
---
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {selector: {app: servers}, ports: [{port: 443, targetPort: 8444}]}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.greetings.example.com}
spec:
  group: greetings.example.com
  version: v1
  groupPriorityMinimum: 100
  versionPriority: 100
  caBundle: $(base64 -w0 "$work/cert.pem")
  service: {name: api, namespace: default}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: webhook}
webhooks:
- name: webhook.example.com
  rules: [{apiGroups: [""], apiVersions: [v1], resources: [configmaps], operations: [CREATE]}]
  objectSelector: {matchLabels: {mutate: "yes"}}
  clientConfig:
    caBundle: $(base64 -w0 "$work/cert.pem")
    service: {name: webhook, namespace: default, path: /mutating-configmaps}
  admissionReviewVersions: [v1]
  sideEffects: None
  timeoutSeconds: 30
EOF
  t demo wait pod servers --for=condition=Ready --timeout=240s
}

# close_direct_ways CLUSTER: from the network of its kube-apiserver to its machines.
close_direct_ways() {
  local process address pod
  pod=$(m get pod -l "kamaji.clastix.io/name=$1" -o jsonpath='{.items[0].metadata.uid}')
  for process in $(processes "kube-apiserver "); do
    if grep -qs "$pod" "/proc/$process/cgroup"; then break; fi
  done
  address=$(m get vmi -l "cluster.x-k8s.io/cluster-name=$1" -o jsonpath='{.items[0].status.interfaces[0].ipAddress}')
  direct() { nsenter -t "$process" -n curl --silent --insecure --max-time 5 "https://$address:10250/healthz"; }
  direct >/dev/null || die "nothing to close: the API server's pod does not reach $address"
  nsenter -t "$process" -n nft -f - <<EOF
table inet closed {
  chain out {
    type filter hook output priority 0
    ip daddr $address drop
  }
}
EOF
  ! direct || die "the direct way to $address is open"
}

through_the_tunnel() {
  local forward follow sum
  say "through the tunnel, with the direct ways closed"
  close_direct_ways demo
  servers
  t demo run talker --image $agnhost --restart Never --command -- sh -c 'while :; do echo said; sleep 1; done'
  t demo wait pod talker --for=condition=Ready --timeout=240s
  kubectl --kubeconfig "$work/demo.kubeconfig" logs -f talker >"$work/follow" &
  follow=$!
  said() { (($(grep -c said "$work/follow") >= 5)); }
  retry 60 said || die "logs -f: $(cat "$work/follow")"
  kill $follow
  wait $follow 2>/dev/null || true
  kubectl --kubeconfig "$work/demo.kubeconfig" port-forward web-0 :8080 >"$work/forward" &
  forward=$!
  retry 120 grep -qs Forwarding "$work/forward" || die "port-forward does not start"
  equal "port-forward" "$(curl --silent --max-time 30 "http://127.0.0.1:$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\) .*/\1/p' "$work/forward")/hostname")" web-0
  kill $forward
  wait $forward 2>/dev/null || true
  head -c 100M /dev/urandom >"$work/big"
  sum=$(sha256sum <"$work/big")
  t demo cp "$work/big" talker:/tmp/big --retries 0
  equal "100 MB to the pod" "$(t demo exec talker -- sha256sum /tmp/big | cut -d' ' -f1)" "${sum%% *}"
  t demo cp talker:/tmp/big "$work/back" --retries 0 >/dev/null
  equal "100 MB from the pod" "$(sha256sum <"$work/back")" "$sum"
  t demo create -f - <<EOF
apiVersion: v1
kind: ConfigMap
metadata: {name: mutated, labels: {mutate: "yes"}}
data: {mutation-start: "yes"}
EOF
  equal "what the webhook wrote" "$(t demo get configmap mutated -o jsonpath='{.data.mutation-stage-1}')" yes
  t demo wait apiservice v1.greetings.example.com --for=condition=Available --timeout=120s
  [[ $(t demo get --raw /apis/greetings.example.com/v1/now) == NOW* ]] || die "the aggregated API does not answer"
  t demo delete apiservice v1.greetings.example.com
  t demo delete mutatingwebhookconfiguration webhook
  t demo delete pod,service,secret,configmap servers talker webhook api mutated --ignore-not-found
}
