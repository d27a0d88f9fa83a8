module nestor.dev/upstream/protocols

go 1.26.2

require (
	github.com/container-storage-interface/spec v1.12.0
	k8s.io/kubelet v0.37.2
	sigs.k8s.io/apiserver-network-proxy/konnectivity-client v0.36.0
)
