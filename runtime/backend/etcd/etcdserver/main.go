// Command etcdserver is etcd itself, as a program that wconf's tests build and
// start: a real server with nothing but Go. It has a module of its own, so
// that wconf does not depend on the server. Versions of modules that both use
// are kept the same: then most of it is compiled already.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
