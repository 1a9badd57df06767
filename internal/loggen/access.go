package loggen

import (
	"slices"
	"strconv"
	"time"
)

// accessKinds are what services and doors report. Most of it names one request, one address or one
// token that no other event names: what somebody looks for years later. The weight of the rarest makes
// it some hundred in five million events.
var accessKinds = []kind{
	{"cli.command", "cli", 1000, cliCommand},
	{"service.error", "system", 185, serviceError},
	{"browser.session_start", "browser-ext", 60, browserStart},
	{"auth.bad_secret", "system", 8, badSecret},
	{"bypass_token.used", "cli", 6, tokenUsed},
	{"bypass_token.forged", "cli", 1, tokenForged},
}

// NewWithAccess is [New] with the events of services and doors among the others: a stream of its own,
// in which request ids (UUIDs), IP addresses and token ids occur once.
func NewWithAccess(seed uint64, start time.Time, perDay float64) *Gen {
	return newGen(slices.Concat(kinds, accessKinds), seed, start, perDay)
}

func serviceError(g *Gen, o *object, _ *session) {
	o.str("service", g.favour(stems)).str("error", g.pick(errs)).str("request_id", g.uuid()).str("peer", g.host()).num("attempt", 1+g.rng.IntN(6))
}

func cliCommand(g *Gen, o *object, s *session) {
	o.str("cmd", g.favour(commands)).str("cwd", "/home/dev/"+s.project).num("exit", g.rng.IntN(10)/9).num("duration_ms", g.rng.IntN(9000))
}

func browserStart(g *Gen, o *object, s *session) {
	o.str("surface", g.favour(surfaces)).str("conversation_id", g.uuid()).str("project", s.project)
}

func badSecret(g *Gen, o *object, _ *session) {
	o.str("remote", g.address()).str("route", "/api/v1/"+g.pick(stems)).num("attempts", 1+g.rng.IntN(20))
}

func tokenUsed(g *Gen, o *object, _ *session) {
	o.str("token_id", "bt-"+g.hex(8)).str("reason", g.prose(4, 10)).num("ttl_s", 900)
}

func tokenForged(g *Gen, o *object, _ *session) {
	o.str("token_id", "bt-"+g.hex(8)).str("remote", g.address()).str("sig", g.hex(32))
}

// uuid is one of version 4 (RFC 9562).
func (g *Gen) uuid() string {
	return g.hex(8) + "-" + g.hex(4) + "-4" + g.hex(3) + "-" + g.pick([]string{"8", "9", "a", "b"}) + g.hex(3) + "-" + g.hex(12)
}

// host is the address of one of the few machines that talk to each other.
func (g *Gen) host() string {
	return "10.20." + strconv.Itoa(g.rng.IntN(4)) + "." + strconv.Itoa(10+g.skewed(12))
}

// address is one of IPv4, as likely as any other.
func (g *Gen) address() string {
	text := strconv.Itoa(1 + g.rng.IntN(223))
	for range 3 {
		text += "." + strconv.Itoa(g.rng.IntN(256))
	}
	return text
}
