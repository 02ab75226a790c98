package netease

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// An Attempt is one attempt of a call, for those who count.
type Attempt struct {
	Op     Op
	Domain string // host of the base
	Result string // the code, "200"; or "no_answer", "not_sent", "http_502"
	Took   time.Duration

	Answered bool // NetEase gave a code
}

func (c *Client) observe(op Op, base string, sent bool, err error, took time.Duration) {
	if c.Observe == nil {
		return
	}
	_, refused := errors.AsType[*Error](err)
	c.Observe(Attempt{Op: op, Domain: domain(base), Result: result(sent, err), Took: took, Answered: err == nil || refused})
}

func domain(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return u.Host
}

func result(sent bool, err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return strconv.Itoa(int(e.Code))
	}
	if status, ok := HTTPStatus(err); ok {
		return fmt.Sprintf("http_%d", status)
	}
	switch {
	case err == nil:
		return strconv.Itoa(int(CodeOK))
	case sent:
		return "no_answer"
	}
	return "not_sent"
}
