// Command dspool runs DSPy programs on a pool of supervised Python workers.
package main

import (
	"os"

	"github.com/dspool/dspool/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], cli.IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
