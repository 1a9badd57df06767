package doctest

import (
	"github.com/opscontext/opscontext/segment"
)

// audited makes a log of three years, a segment each, the first of them archived: what an auditor asks
// about. Beside it lies the script with which a log is read without the program.
func (s *stage) audited() {
	var events []segment.Event
	for _, e := range []struct{ ts, kind, actor, payload string }{
		{"2023-02-12T09:14:03.120Z", "auth.bad_secret", "system", `{"remote":"198.51.100.7","route":"/api/v1/search","attempts":3}`},
		{"2023-05-06T08:00:11.004Z", "bypass_token.used", "grace", `{"token_id":"bt-9f31c07e","reason":"release freeze, hotfix","ttl_s":900}`},
		{"2023-05-06T08:02:40.611Z", "vscode.tool_call", "claude-code", `{"surface":"claude-code","tool":"Bash","args_preview":"command=git push","session":"7c1e5a90d2b44f18"}`},
		{"2023-11-20T15:41:00.900Z", "drift.detected", "system", `{"kind":"loop","severity":"warn","reason":"the same command 6 times","evidence_count":6}`},
		{"2024-01-09T10:10:10.010Z", "policy.skipped", "linus", `{"check":"commit-message-required","rule_id":"R-1a","matched_files":["src/queue.ts"],"pattern":"^fix","bypass_reason":"revert"}`},
		{"2024-03-03T04:05:06.000Z", "auth.bad_secret", "system", `{"remote":"198.51.100.77","route":"/api/v1/token","attempts":1}`},
		{"2024-08-14T12:00:00.000Z", "drift.detected", "system", `{"kind":"stuck","severity":"info","reason":"no edit for 40 minutes","evidence_count":2}`},
		{"2025-06-30T23:59:59.999Z", "drift.detected", "system", `{"kind":"loop","severity":"info","reason":"the same search twice","evidence_count":2}`},
		{"2025-07-01T00:00:00.000Z", "drift.detected", "system", `{"kind":"stuck","severity":"warn","reason":"no edit for 55 minutes","evidence_count":3}`},
		{"2025-07-15T13:30:00.250Z", "bypass_token.used", "ada", `{"token_id":"bt-2b77d410","reason":"pager duty","ttl_s":900}`},
		{"2025-07-15T13:31:12.000Z", "vscode.tool_call", "claude-code", `{"surface":"claude-code","tool":"Edit","args_preview":"file=src/queue.ts","session":"7c1e5a90d2b44f18"}`},
		{"2025-08-02T18:22:45.733Z", "drift.detected", "system", `{"kind":"fabrication_suspect","severity":"critical","reason":"a file that is not there","evidence_count":1}`},
		{"2025-08-19T07:01:00.000Z", "auth.bad_secret", "system", `{"remote":"198.51.100.7","route":"/api/v1/search","attempts":12}`},
		{"2025-09-05T11:11:11.111Z", "hook.block", "cli", `{"check":"secret-scan","pattern_id":"aws-access-key","file":"src/deploy-client.ts","line":12}`},
		{"2025-09-30T23:59:59.999Z", "drift.detected", "system", `{"kind":"silent_failure","severity":"warn","reason":"exit 1 not mentioned","evidence_count":1}`},
		{"2025-10-01T00:00:00.000Z", "drift.detected", "system", `{"kind":"loop","severity":"warn","reason":"the same command 9 times","evidence_count":9}`},
	} {
		events = append(events, segment.Event{TS: e.ts, Kind: e.kind, Actor: e.actor, Payload: []byte(e.payload)})
	}
	log := s.open()
	_, err := log.AppendBatch(s.t.Context(), events)
	check(s.t, err)
	check(s.t, log.Close())
	s.archiveAll()
	s.script()
}
