module fief.io/nri

go 1.21

require github.com/containerd/nri v0.6.1
