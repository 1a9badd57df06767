// Demo shows in a few seconds what opscontext is for. It makes a log of five years, rotated by year
// and by size, verifies it across its segments, then tampers with a copy, then puts an older copy back,
// and lets the real program say what it sees. Every answer is checked, so a demo that ends is a test
// that passed.
//
//	demo -bin bin/opscontext [-dir DIR]
//
// The events are the same on every machine and every day. With -dir the log stays for a closer look.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	bin := flag.String("bin", "bin/opscontext", "the program")
	dir := flag.String("dir", "", "make the log in this new directory and leave it there")
	flag.Parse()
	if err := run(*bin, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(bin, dir string) (err error) {
	if bin, err = filepath.Abs(bin); err != nil {
		return err
	}
	if dir == "" {
		if dir, err = os.MkdirTemp("", "opscontext-demo-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	} else if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	return tour(context.Background(), stage{bin: bin, dir: dir})
}

// tour is the demo from start to end.
func tour(ctx context.Context, s stage) error {
	say("Five years of an imaginary team's AI tooling, appended one event after the other.",
		"A segment ends with its calendar year, or at 256 KiB to have some more of them.")
	log, err := s.open()
	if err != nil {
		return err
	}
	if err := log.append(ctx, fiveYears); err != nil {
		return err
	}
	backup := filepath.Join(s.dir, "backup")
	if err := duplicate(ctx, s.home(), backup); err != nil {
		return err
	}
	if err := log.append(ctx, afterBackup); err != nil {
		return err
	}
	if err := log.close(); err != nil {
		return err
	}
	fmt.Printf("%d events were appended; a backup was taken %d events before the end.\n", fiveYears+afterBackup, afterBackup)

	say("The files. Each segment starts with a record that names the last one of the segment before.")
	if err := s.opscontext(ctx, s.home(), expect{exit: 0, says: []string{"audit-0015", "audit.log"}}, "segments"); err != nil {
		return err
	}
	say("One chain through all of them: every record is hashed again and linked to its parent.")
	if err := s.opscontext(ctx, s.home(), expect{exit: 0, says: []string{"intact", "agrees"}}, "audit_verify"); err != nil {
		return err
	}

	say("Somebody edits one record of a copy: who did it, in the second year.")
	tampered := filepath.Join(s.dir, "tampered")
	if err := duplicate(ctx, s.home(), tampered); err != nil {
		return err
	}
	line, err := tamper(filepath.Join(tampered, "audit-archive", "audit-0005.jsonl"))
	if err != nil {
		return err
	}
	caught := expect{exit: 3, says: []string{"altered", fmt.Sprintf("audit-0005.jsonl, line %d", line)}}
	if err := s.opscontext(ctx, tampered, caught, "audit_verify"); err != nil {
		return err
	}

	say("Somebody puts the backup over the log. Nothing in it is altered and the chain is whole:",
		"it is just shorter than what this machine remembers.")
	if err := os.Rename(s.home(), filepath.Join(s.dir, "taken-away")); err != nil {
		return err
	}
	if err := os.Rename(backup, s.home()); err != nil {
		return err
	}
	rolledBack := expect{exit: 3, says: []string{"rolled-back", fmt.Sprintf("%d records up to", afterBackup)}}
	if err := s.opscontext(ctx, s.home(), rolledBack, "audit_verify"); err != nil {
		return err
	}
	say("All as it should be: the log verified, both changes were seen.")
	return nil
}
