package loggen

// The vocabulary. Adding a word changes every log made from a seed, and with it the golden hash.
var (
	folders  = []string{"src", "src/server", "src/components", "internal/store", "cmd/agent", "web/pages", "tests", "docs", "scripts", "packages/core"}
	stems    = []string{"audit", "billing", "cache", "client", "config", "deploy", "ingest", "invoice", "metrics", "parser", "policy", "queue", "report", "router", "schema", "search", "session", "token", "user", "worker"}
	suffixes = []string{".ts", ".ts", ".tsx", ".go", ".py", ".md", ".sql", ".yaml", ".test.ts"}
	projects = []string{"billing-api", "admin-app", "ops-dash", "etl-jobs", "mobile", "infra", "site", "Übersicht"}
	tools    = []string{"Edit", "Bash", "Read", "Grep", "Write", "Glob", "WebFetch", "Task"}
	commands = []string{"git status", "git diff --stat", "npm test", "go test ./...", "rg -n \"appendAudit\" src", "npx tsc --noEmit", "docker ps", "psql -c 'select count(*) from events'", "sed -n '1,80p' README.md", "git commit -m \"fix: empty tail\"", "grep -c '<&>' C:\\logs\\a.txt"}
	words    = []string{"the", "a", "to", "and", "fix", "why", "does", "test", "fail", "after", "deploy", "please", "add", "an", "index", "for", "this", "query", "it", "is", "still", "slow", "rotate", "the", "token", "before", "release", "explain", "schema", "migration", "queue", "retry", "timeout", "customer", "invoice", "rollback", "segment", "verify", "the", "backup"}
	accents  = []string{"déjà vu", "日本語のログ", "naïve", "✅", "🔒 locked", "“quoted”", "привет", "a\tb", "µs", "👩‍💻", "<b>&amp;</b>", "line one\nline two"}
	surfaces = []string{"claude.ai", "chatgpt.com", "gemini.google.com"}
	models   = []string{"claude-opus-4", "claude-sonnet-4", "gpt-5", "gemini-2.5-pro"}
	errs     = []string{"ECONNREFUSED 127.0.0.1:5432", "ETIMEDOUT after 30000ms", "Unexpected token < in JSON at position 0", "ENOENT: no such file or directory, open '/var/run/app.sock'"}
)

const hexDigits = "0123456789abcdef"

func (g *Gen) pick(from []string) string { return from[g.rng.IntN(len(from))] }

// skewed gives 0 <= i < n, small values more often: real tooling favours a few files and tools.
func (g *Gen) skewed(n int) int { return min(g.rng.IntN(n), g.rng.IntN(n)) }

func (g *Gen) favour(from []string) string { return from[g.skewed(len(from))] }

func (g *Gen) percent(p int) bool { return g.rng.IntN(100) < p }

func (g *Gen) hex(digits int) string {
	b := make([]byte, digits)
	for i := range b {
		b[i] = hexDigits[g.rng.IntN(16)]
	}
	return string(b)
}

// prose gives from least to most words, now and then a file name or a word beyond ASCII.
func (g *Gen) prose(least, most int) string {
	var b []byte
	for i := range least + g.rng.IntN(most-least+1) {
		if i > 0 {
			b = append(b, ' ')
		}
		switch x := g.rng.IntN(100); {
		case x < 3:
			b = append(b, g.pick(accents)...)
		case x < 7:
			b = append(b, g.favour(g.files)...)
		default:
			b = append(b, g.pick(words)...)
		}
	}
	return string(b)
}
