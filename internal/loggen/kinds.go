package loggen

// kind is one kind of event: how often it comes, out of the sum of all weights, who reports it, and
// what it carries.
type kind struct {
	name    string
	actor   string
	weight  int
	payload func(*Gen, *object, *session)
}

var kinds = []kind{
	{"vscode.tool_call", "claude-code", 5400, toolCall},
	{"vscode.prompt_submit", "claude-code", 900, promptSubmit},
	{"vscode.session_start", "claude-code", 90, sessionStart},
	{"browser.prompt", "browser-ext", 520, browserText},
	{"browser.response", "browser-ext", 520, browserResponse},
	{"browser.tool_call", "browser-ext", 200, browserTool},
	{"browser.capture_miss", "browser-ext", 20, captureMiss},
	{"learning.save", "system", 210, learningSave},
	{"learning.import", "system", 25, learningImport},
	{"learning.sweep", "system", 180, learningSweep},
	{"session.save", "system", 260, sessionSave},
	{"session.delete", "system", 15, sessionDelete},
	{"activation.activate", "system", 2, activate},
	{"activation.heartbeat", "system", 320, heartbeat},
	{"hook.block", "cli", 90, hookBlock},
	{"policy.skipped", "cli", 30, policySkipped},
	{"drift.detected", "system", 150, driftDetected},
	{"community.sync_ok", "system", 120, syncOK},
	{"community.sync_error", "system", 20, syncError},
	{"server.start", "system", 60, serverStart},
	{"index.write", "system", 240, indexWrite},
	{"ingest.rate_limited", "system", 8, rateLimited},
}

func toolCall(g *Gen, o *object, s *session) {
	tool := g.favour(tools)
	o.str("surface", "claude-code").str("tool", tool)
	switch tool {
	case "Bash":
		o.str("args_preview", "command="+g.pick(commands))
	case "Grep", "Glob":
		o.str("args_preview", "pattern="+g.pick(words)+".* path="+g.pick(folders))
	default:
		o.str("args_preview", "file="+g.favour(g.files))
	}
	o.str("session", s.id).str("cwd", "/home/dev/"+s.project).num("input_chars", g.rng.IntN(6000))
	if g.percent(6) {
		o.str("error", g.pick(errs))
	}
}

func promptSubmit(g *Gen, o *object, s *session) {
	text := g.prose(4, 40)
	o.str("surface", "claude-code").str("session", s.id).str("cwd", "/home/dev/"+s.project)
	o.num("char_count", len(text)).str("text", text)
}

func sessionStart(g *Gen, o *object, s *session) {
	source := "startup"
	if g.percent(30) {
		source = "resume"
	}
	o.str("surface", "claude-code").str("session", s.id).str("cwd", "/home/dev/"+s.project).str("source", source)
}

func browserText(g *Gen, o *object, s *session) {
	text := g.prose(4, 30)
	o.str("surface", g.favour(surfaces)).str("conversation_id", s.id).str("text", text).num("char_count", len(text))
}

func browserResponse(g *Gen, o *object, s *session) {
	browserText(g, o, s)
	o.num("stream_ms", 300+g.rng.IntN(20000)).str("model_hint", g.favour(models))
	if g.percent(4) {
		o.raw("redaction_counts", `{"email":1,"token":0}`)
	}
}

func browserTool(g *Gen, o *object, s *session) {
	o.str("surface", g.favour(surfaces)).str("conversation_id", s.id).str("tool", "web_search").str("args_preview", g.prose(2, 6))
}

func captureMiss(g *Gen, o *object, _ *session) {
	o.str("surface", g.pick(surfaces)).str("error", "selector tiers failed")
}

func learningSave(g *Gen, o *object, s *session) {
	mode := "create"
	if g.percent(25) {
		mode = "update"
	}
	o.str("id", g.hex(8)).str("category", g.pick(stems)).str("project", s.project).num("rule_length", 20+g.rng.IntN(400)).str("mode", mode)
}

func learningImport(g *Gen, o *object, s *session) {
	o.str("source", "/home/dev/"+s.project+"/"+g.favour(g.files)).str("format", "markdown")
	o.num("imported", g.rng.IntN(9)).num("updated", g.rng.IntN(9)).num("skipped", g.rng.IntN(3)).num("errors", 0)
}

func learningSweep(g *Gen, o *object, _ *session) {
	o.num("sources", 896).num("scanned", g.rng.IntN(40)).num("unchanged", 850).num("imported", 0).num("updated", g.rng.IntN(3))
	o.num("ignored", 4).num("errors", 0).list("untrusted").num("ms", g.rng.IntN(900))
}

func sessionSave(g *Gen, o *object, s *session) {
	o.str("name", s.project).str("key", "summary").num("value_length", g.rng.IntN(2000)).num("entries", g.rng.IntN(60))
}

func sessionDelete(_ *Gen, o *object, s *session) { o.str("name", s.project) }

func activate(g *Gen, o *object, _ *session) {
	o.str("plan", "pro").str("email", "ops@example.com").str("machine_id", g.hex(12)).raw("expires_at", "null").raw("delta_version", "null")
}

func heartbeat(g *Gen, o *object, _ *session) {
	o.str("plan", "pro").str("machine_id", g.hex(12))
}

func hookBlock(g *Gen, o *object, _ *session) {
	if g.percent(70) {
		o.str("check", "secret-scan").str("pattern_id", "aws-access-key").str("file", g.favour(g.files)).num("line", 1+g.rng.IntN(900))
		return
	}
	o.str("check", "doc-coverage").list("source_paths", g.favour(g.files), g.favour(g.files)).num("matched_files", 2).str("reason", g.prose(3, 9))
}

func policySkipped(g *Gen, o *object, _ *session) {
	o.str("check", "commit-message-required").str("rule_id", "R-"+g.hex(2)).list("matched_files", g.favour(g.files))
	o.str("pattern", `^(fix|feat)\(`).str("bypass_reason", g.prose(3, 9))
}

func driftDetected(g *Gen, o *object, _ *session) {
	o.str("kind", g.pick([]string{"loop", "stuck", "context_bloat", "fabrication_suspect", "silent_failure", "no_insight"}))
	o.str("severity", g.pick([]string{"info", "warn", "critical"})).str("reason", g.prose(4, 12))
	o.num("evidence_count", 1+g.rng.IntN(9)).hundredths("confidence", g.rng.IntN(100))
}

func syncOK(g *Gen, o *object, _ *session) { o.str("tier", "A").num("fetched", g.rng.IntN(12)) }

func syncError(g *Gen, o *object, _ *session) {
	o.str("tier", "B").num("status", 400+g.rng.IntN(130))
}

func serverStart(g *Gen, o *object, s *session) {
	o.num("pid", 300+g.rng.IntN(60000)).str("parent", "systemd").str("version", "2.18.0").str("build", g.hex(8))
	o.str("cwd", "/home/dev/"+s.project).num("servers_running", 1+g.rng.IntN(3)).num("stale_builds", 0)
}

func indexWrite(g *Gen, o *object, _ *session) {
	n := g.rng.IntN(9000)
	o.num("pid", 300+g.rng.IntN(60000)).str("corpus", g.hex(8)).num("seq", g.rng.IntN(99)).num("chunks", n).num("vectors", n)
	o.num("bytes", n*1536).num("ms", g.rng.IntN(900))
}

func rateLimited(g *Gen, o *object, _ *session) {
	o.num("dropped", 1+g.rng.IntN(900)).str("since", g.now.Add(-day/24).Format("2006-01-02T15:04:05.000Z")).num("rate_per_sec", 200).num("burst", 1000)
}
