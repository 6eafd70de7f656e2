package mocks

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // NTLM is made of it
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"unicode/utf16"

	"golang.org/x/crypto/md4" //nolint:staticcheck // NTLM is made of it
)

// NTLMAuth is a user of a Windows domain, who proves by NTLMv2 to know the password ([MS-NLMP]). A connection that has logged in
// stays logged in.
type NTLMAuth struct {
	Username string `yaml:"username"`
	Domain   string `yaml:"domain"` // empty: any
	Password string `yaml:"password"`
}

// ntlmTalk is where one connection stands.
type ntlmTalk struct {
	mu        sync.Mutex
	challenge []byte    // that was sent; nil: none
	user      *NTLMAuth // who has logged in; nil: nobody
}

const ntlmSignature = "NTLMSSP\x00"

func (n *NTLMAuth) verify(r *http.Request, talk *ntlmTalk) *refusal {
	if talk == nil {
		return &refusal{"NTLM", "NTLM wants a connection of HTTP/1"}
	}
	talk.mu.Lock()
	defer talk.mu.Unlock()
	token, ok := ntlmToken(r.Header.Get("Authorization"))
	if !ok {
		if talk.user == n {
			return nil
		}
		return &refusal{"NTLM", "nobody has logged in on this connection"}
	}
	switch message := messageType(token); message {
	case 1:
		talk.user, talk.challenge = nil, make([]byte, 8)
		_, _ = rand.Read(talk.challenge) // which never fails
		return &refusal{"NTLM " + base64.StdEncoding.EncodeToString(challengeMessage(talk.challenge, n.Domain)), "the challenge is to be answered"}
	case 3:
		challenge := talk.challenge
		talk.challenge = nil
		if err := n.answered(token, challenge); err != nil {
			return &refusal{"NTLM", err.Error()}
		}
		talk.user = n
		return nil
	default:
		return &refusal{"NTLM", "what follows NTLM is no message of it"}
	}
}

// ntlmToken is the message in a header of requests.
func ntlmToken(header string) ([]byte, bool) {
	scheme, text, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "NTLM") && !strings.EqualFold(scheme, "Negotiate") {
		return nil, false
	}
	token, err := base64.StdEncoding.DecodeString(text)
	return token, err == nil
}

func messageType(token []byte) uint32 {
	if len(token) < 12 || string(token[:8]) != ntlmSignature {
		return 0
	}
	return binary.LittleEndian.Uint32(token[8:])
}

// challengeMessage asks for an answer by NTLMv2 in Unicode.
func challengeMessage(challenge []byte, domain string) []byte {
	const flags = 1 | 4 | 0x200 | 0x8000 | 0x10000 | 0x80000 | 0x800000 // Unicode, target, NTLM, sign, domain, extended security, target's info
	target := unicode16(domain)
	info := slices.Concat(pair(2, target), pair(1, unicode16("MOCK")), pair(0, nil))
	const head = 48
	out := append([]byte(ntlmSignature), 2, 0, 0, 0)
	out = field(out, len(target), head)
	out = binary.LittleEndian.AppendUint32(out, flags)
	out = append(out, challenge...)
	out = append(out, make([]byte, 8)...)
	out = field(out, len(info), head+len(target))
	return slices.Concat(out, target, info)
}

func pair(id uint16, value []byte) []byte {
	out := binary.LittleEndian.AppendUint16(nil, id)
	return append(binary.LittleEndian.AppendUint16(out, uint16(len(value))), value...)
}

// field says where in a message a value stands: its length, the room for it, its offset.
func field(out []byte, length, offset int) []byte {
	out = binary.LittleEndian.AppendUint16(out, uint16(length))
	out = binary.LittleEndian.AppendUint16(out, uint16(length))
	return binary.LittleEndian.AppendUint32(out, uint32(offset))
}

// answered checks the last message against the challenge.
func (n *NTLMAuth) answered(token, challenge []byte) error {
	if challenge == nil {
		return errors.New("an answer without a challenge: it is of another connection")
	}
	response, err := value(token, 20)
	if err != nil {
		return err
	}
	rawDomain, err := value(token, 28)
	if err != nil {
		return err
	}
	rawUser, err := value(token, 36)
	if err != nil {
		return err
	}
	user, domain := fromUnicode16(rawUser), fromUnicode16(rawDomain)
	if !strings.EqualFold(user, n.Username) {
		return fmt.Errorf("the user is %q, the stub has %q", user, n.Username)
	}
	if n.Domain != "" && !strings.EqualFold(domain, n.Domain) {
		return fmt.Errorf("the domain is %q, the stub has %q", domain, n.Domain)
	}
	const proof, least = 16, 16 + 28
	if len(response) < least {
		return errors.New("the answer is not of NTLMv2")
	}
	want := sum(sum(ntHash(n.Password), unicode16(strings.ToUpper(user)+domain)), challenge, response[proof:])
	if subtle.ConstantTimeCompare(want, response[:proof]) != 1 {
		return errors.New("the password is another")
	}
	return nil
}

// value reads what the field at an offset tells of.
func value(message []byte, at int) ([]byte, error) {
	if len(message) < at+8 {
		return nil, errors.New("the message of NTLM is cut off")
	}
	length, offset := uint64(binary.LittleEndian.Uint16(message[at:])), uint64(binary.LittleEndian.Uint32(message[at+4:]))
	if offset+length > uint64(len(message)) {
		return nil, errors.New("a field of the message of NTLM is beyond its end")
	}
	return message[offset : offset+length], nil
}

func ntHash(password string) []byte {
	h := md4.New()
	_, _ = h.Write(unicode16(password)) // which never fails
	return h.Sum(nil)
}

func sum(key []byte, parts ...[]byte) []byte {
	h := hmac.New(md5.New, key)
	for _, p := range parts {
		_, _ = h.Write(p) // which never fails
	}
	return h.Sum(nil)
}

func unicode16(s string) (out []byte) {
	for _, u := range utf16.Encode([]rune(s)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

func fromUnicode16(raw []byte) string {
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(raw[2*i:])
	}
	return string(utf16.Decode(units))
}
