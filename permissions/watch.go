package permissions

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// A File is a policy file and the rules in force, which follow it while Watch runs.
type File struct {
	OnReload func(problem error) // hears of every new version; nil: it is in force. Set before Watch

	path       string
	vocabulary Vocabulary
	now        atomic.Pointer[version]
}

// A version is what is known of the file at one time.
type version struct {
	rules   *Policy
	problem error  // why what was seen last is not what the rules are
	seen    []byte // the content seen last; nil: it could not be read
}

// Open reads the policy file at path. An error means that there are no rules, and says everything that is wrong.
func Open(path string, v Vocabulary) (*File, error) {
	f := &File{path: path, vocabulary: v}
	src, err := f.read()
	if err != nil {
		return nil, err
	}
	rules, err := f.parse(src)
	if err != nil {
		return nil, err
	}
	f.now.Store(&version{rules: rules, seen: src})
	return f, nil
}

// Policy is the rules in force: those of the newest version of the file that had no mistakes. Any goroutine may ask.
func (f *File) Policy() *Policy { return f.now.Load().rules }

// Problem is why the newest version of the file is not in force; nil when it is. Any goroutine may ask.
func (f *File) Problem() error { return f.now.Load().problem }

// Watch looks at the file again and again, every so often (more than 0), until ctx ends. A new version without
// mistakes replaces the rules at once and as a whole; a broken one, or none, is logged once, and the rules stay. Run
// it once at a time.
//
// It reads the content each time and asks neither the modification time nor the system for notices: editors and
// mounted Kubernetes config maps put another file, or a symbolic link to one, in the place of the old, network file
// systems send no notices, and a policy is small.
func (f *File) Watch(ctx context.Context, every time.Duration, log *slog.Logger) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			f.look(log)
		}
	}
}

// look is one look at the file.
func (f *File) look(log *slog.Logger) {
	was := f.now.Load()
	src, err := f.read()
	switch {
	case err != nil && was.seen == nil && err.Error() == was.problem.Error():
		return // still not to be read
	case err == nil && was.seen != nil && bytes.Equal(src, was.seen):
		return
	}
	var rules *Policy
	if err == nil {
		rules, err = f.parse(src)
	}
	if err != nil {
		f.now.Store(&version{rules: was.rules, problem: err, seen: src})
		log.Error("policy file not in force, the rules stay as they were", "problem", err)
		f.reloaded(err)
		return
	}
	f.now.Store(&version{rules: rules, seen: src})
	f.reloaded(nil)
	log.Info("policy file in force", "path", f.path,
		"moderators", len(rules.entries), "moderators_before", len(was.rules.entries),
		"room_names", len(rules.ids), "room_names_before", len(was.rules.ids))
	for _, warning := range rules.Warnings() {
		log.Warn("policy file", "warning", warning)
	}
}

func (f *File) reloaded(err error) {
	if f.OnReload != nil {
		f.OnReload(err)
	}
}

// read returns the content of the file, never nil, and little more of it than Parse takes.
func (f *File) read() ([]byte, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, fmt.Errorf("read policy file: %w", err)
	}
	defer file.Close()
	src, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read policy file: %w", err)
	}
	return src, nil
}

func (f *File) parse(src []byte) (*Policy, error) {
	rules, err := Parse(src, f.vocabulary)
	if err != nil {
		return nil, fmt.Errorf("policy file %s:\n%w", f.path, err)
	}
	return rules, nil
}
