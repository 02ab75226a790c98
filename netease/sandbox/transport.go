package sandbox

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"roomwarden/netease"
)

// maxBody is the largest form taken, in bytes.
const maxBody = 64 << 10

// ServeHTTP answers over a socket. A hang-up is a panic with http.ErrAbortHandler, which net/http turns into a closed
// connection.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	back, err := s.exchange(r)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	s.setHeader(w.Header(), back)
	w.WriteHeader(back.status)
	_, _ = w.Write(back.body) // nobody is left to be told
}

// RoundTrip answers in process, for any host, and leaves no goroutine behind. A hang-up is io.ErrUnexpectedEOF; a
// request whose context ends during a delay gets the context's error.
func (s *Sandbox) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	back, err := s.exchange(r)
	if err != nil {
		return nil, err
	}
	resp := &http.Response{
		Status:        fmt.Sprintf("%d %s", back.status, http.StatusText(back.status)),
		StatusCode:    back.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        make(http.Header),
		Body:          io.NopCloser(strings.NewReader(string(back.body))),
		ContentLength: int64(len(back.body)),
		Request:       r,
	}
	s.setHeader(resp.Header, back)
	return resp, nil
}

// setHeader writes the headers of an answer that goes out now.
func (s *Sandbox) setHeader(h http.Header, back page) {
	h.Set("Date", s.now().UTC().Format(http.TimeFormat))
	if back.contentType != "" {
		h.Set("Content-Type", back.contentType)
	}
	if back.allow != "" {
		h.Set("Allow", back.allow)
	}
}

// exchange is one request and its answer, however they travel. An error means that there is no answer.
func (s *Sandbox) exchange(r *http.Request) (page, error) {
	ctx := r.Context()
	if err := ctx.Err(); err != nil {
		return page{}, err
	}

	method, op := route(r.URL.Path)
	switch {
	case method == "":
		return htmlPage(http.StatusNotFound), nil
	case method != r.Method:
		back := htmlPage(http.StatusMethodNotAllowed)
		back.allow = method
		return back, nil
	case op == "":
		return page{status: http.StatusOK}, nil // alive
	}

	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(io.LimitReader(r.Body, maxBody+1)); err != nil {
			return page{}, fmt.Errorf("read form: %w", err)
		}
	}
	back, fault := s.call(op, r, body)
	if err := wait(ctx, fault.Delay); err != nil {
		return page{}, err
	}
	if fault.Hangup != NoHangup {
		return page{}, io.ErrUnexpectedEOF
	}
	return back, nil
}

// route finds what stands behind a path: the method it takes, "" for nothing there, and the interface, "" for the
// health probe. Whatever comes before the last /nimserver/ is the base.
func route(path string) (method string, op netease.Op) {
	i := strings.LastIndex(path, "/nimserver/")
	if i < 0 {
		return "", ""
	}
	path = path[i+len("/nimserver/"):]
	if path == "health/liveness.action" {
		return http.MethodGet, ""
	}
	path, inRoom := strings.CutPrefix(path, "chatroom/")
	name, isAction := strings.CutSuffix(path, ".action")
	op = netease.Op(name)
	if !inRoom || !isAction || interfaces[op] == nil {
		return "", ""
	}
	return http.MethodPost, op
}

// wait lets d pass, or returns the error of a context that ends first.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
