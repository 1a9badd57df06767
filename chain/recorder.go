package chain

import "github.com/opscontext/opscontext/internal/ecmajson"

// Recorder is who had a record about the log itself written: the recorded_by of audit.import,
// audit.adopt, audit.restore and audit.anchor, and of a backup. It is what the operating system told
// the program, and nothing else vouches for it.
type Recorder struct {
	UID  int64  `json:"uid"`  // numeric user id
	User string `json:"user"` // its name, "" if it has none
	Host string `json:"host"`
	Tool string `json:"tool"` // name and version of the program
}

func (r Recorder) member() ecmajson.Member {
	return ecmajson.Member{Name: "recorded_by", Value: value(num("uid", r.UID), str("user", r.User), str("host", r.Host), str("tool", r.Tool))}
}

// recorder reads the recorded_by of a payload.
func (g *getter) recorder() Recorder {
	o := g.object("recorded_by")
	r := Recorder{UID: o.num("uid"), User: o.str("user"), Host: o.str("host"), Tool: o.str("tool")}
	g.note(o.err)
	return r
}
