package main

import (
	"os"
	"os/user"

	"github.com/opscontext/opscontext/chain"
)

// recorder is who runs this program, as far as the system says: what it does not say is left empty.
func recorder() chain.Recorder {
	r := chain.Recorder{UID: int64(os.Getuid()), Tool: tool()}
	if u, err := user.Current(); err == nil {
		r.User = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		r.Host = host
	}
	return r
}
