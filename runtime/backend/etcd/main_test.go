package etcd

import (
	"flag"
	"os"
	"testing"
)

// The parallel tests here wait for other processes, not for a processor.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
