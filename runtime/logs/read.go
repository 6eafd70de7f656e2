package logs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// ReadFile reads what q means of the log at path. A file that is not there is an empty log.
func ReadFile(path string, q Query) (Page, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return Page{}, nil
	}
	if err != nil {
		return Page{}, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return Page{}, err
	}
	page, err := read(f, 0, info.Size(), q)
	if err != nil {
		return page, fmt.Errorf("read the log %s: %w", path, err)
	}
	return page, nil
}

// read reads what q means of a log whose bytes from first to last are there. What is behind its last line break is still
// being written.
func read(log io.ReaderAt, first, last int64, q Query) (Page, error) {
	if q.Limit <= 0 || q.Limit > mostLines {
		q.Limit = mostLines
	}
	if q.After != nil {
		return readOn(log, first, last, q)
	}
	return readBack(log, first, last, q)
}

// readOn reads what was added. Where the log has been made anew since, that is all of it.
func readOn(log io.ReaderAt, first, last int64, q Query) (Page, error) {
	from := *q.After
	if from > last || from < first {
		from = first
	}
	page := Page{Next: from}
	buf := make([]byte, 0, block)
	for page.Next+int64(len(buf)) < last {
		if page.Next-from > mostRead {
			page.Cut = true
			return page, nil
		}
		chunk := make([]byte, min(block, last-page.Next-int64(len(buf))))
		n, err := log.ReadAt(chunk, page.Next+int64(len(buf)))
		buf = append(buf, chunk[:n]...)
		if err != nil && !errors.Is(err, io.EOF) {
			return page, err
		}
		if n == 0 {
			return page, nil // it has become shorter
		}
		end := bytes.LastIndexByte(buf, '\n') + 1
		if end == 0 && len(buf) > mostRead {
			page.Next += int64(len(buf))
			buf = buf[:0]
		}
		atEnd := page.Next+int64(len(buf)) >= last
		all := records(buf[:end])
		for i, r := range all {
			if i == len(all)-1 && !atEnd && len(r) < block {
				break // what belongs to it may be in the next block
			}
			if len(page.Lines) == q.Limit {
				page.Cut = true
				return page, nil
			}
			page.add(r, q)
			page.Next += int64(len(r))
			buf = buf[len(r):]
		}
	}
	return page, nil
}

// readBack reads from the end until there are lines enough, or they are too old.
func readBack(log io.ReaderAt, first, last int64, q Query) (Page, error) {
	var page Page
	var behind []byte // the end of a line whose beginning is not read yet
	found := false    // where the log's last line ends
	for at := last; at > first; {
		if last-at >= mostRead {
			page.Cut = true
			break
		}
		size := min(block, at-first)
		buf := make([]byte, size, int(size)+len(behind))
		n, err := log.ReadAt(buf, at-size)
		if err != nil && !errors.Is(err, io.EOF) {
			return page, err
		}
		buf = buf[:n]
		at -= size
		if !found {
			end := bytes.LastIndexByte(buf, '\n') + 1
			if end == 0 {
				continue
			}
			page.Next, buf, found = at+int64(end), buf[:end], true
		}
		if buf = append(buf, behind...); len(buf) > mostRead {
			page.Cut = true
			break
		}
		all := records(buf)
		if at > first && len(all) > 0 { // the first may begin before this block
			behind, all = all[0], all[1:]
		}
		if page.back(all, q) {
			break
		}
	}
	slices.Reverse(page.Lines)
	if !found {
		page.Next = first
	}
	return page, nil
}

// back adds records from the last to the first, and says whether it has seen enough.
func (p *Page) back(all [][]byte, q Query) bool {
	for _, r := range slices.Backward(all) {
		if !q.Since.IsZero() {
			if at, ok := timeOf(r); ok && at.Before(q.Since) {
				return true
			}
		}
		if p.add(r, q); len(p.Lines) == q.Limit {
			return true
		}
	}
	return false
}

func (p *Page) add(record []byte, q Query) {
	if q.CID != "" && !bytes.Contains(record, []byte(q.CID)) || q.isBelow(record) {
		return
	}
	text := string(record[:min(len(record), mostLine)])
	if len(record) > mostLine {
		text += " ..."
	}
	text = strings.TrimRight(strings.ToValidUTF8(text, "\uFFFD"), "\n")
	if text == "" {
		return
	}
	l := parse(text)
	q.Mask.apply(&l)
	if q.matches(l) {
		p.Lines = append(p.Lines, l)
	}
}

// records splits whole lines into those that slog wrote, each with what follows it.
func records(text []byte) [][]byte {
	var out [][]byte
	start := 0
	for i := 0; i < len(text); {
		next := bytes.IndexByte(text[i:], '\n') + 1
		if next == 0 {
			break
		}
		if i > start && bytes.HasPrefix(text[i:], []byte(opening)) {
			out = append(out, text[start:i])
			start = i
		}
		i += next
	}
	if start < len(text) {
		out = append(out, text[start:])
	}
	return out
}
