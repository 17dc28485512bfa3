module github.com/dspool/dspool

go 1.25.0

require (
	github.com/google/jsonschema-go v0.4.3
	github.com/spf13/cobra v1.10.2
	github.com/spf13/pflag v1.0.10
	go.etcd.io/bbolt v1.5.0
	go.uber.org/goleak v1.3.0
	golang.org/x/sys v0.45.0
)

require github.com/inconshreveable/mousetrap v1.1.0 // indirect
