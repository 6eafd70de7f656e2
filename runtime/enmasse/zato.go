package enmasse

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/parley-run/parley/runtime/kind"
)

// ParseZato is Parse of files that Zato's enmasse wrote: its types and keys become our kinds and keys. What has no
// counterpart is in leftOut, a line for each with its place, unless nothing is lost without it.
func ParseZato(files []File, kinds Kinds, env func(string) (string, bool)) (definitions Definitions, leftOut []string, faults Faults) {
	r := newReader(files, kinds, env)
	r.zato = &zato{notes: []string{}, outgoing: map[string]bool{}}
	r.all(files)
	if len(r.faults) > 0 {
		return nil, nil, r.faults.sorted()
	}
	return r.out, r.zato.notes, nil
}

// zato turns Zato's objects into ours.
type zato struct {
	notes    []string
	roles    []*zatoRole
	security []zatoSecurity
	outgoing map[string]bool // names of definitions that outgoing connections use
}

// zatoSecurity is a definition as we write it.
type zatoSecurity struct {
	kind string
	*node
}

// zatoType says what one of Zato's types is here.
type zatoType struct {
	kind   string
	keys   map[string]string // ours by Zato's, beside those of all types
	silent []string          // keys without which nothing is lost
}

// zatoTypes are Zato's types, def_sec by its own type after a slash.
func zatoTypes() map[string]zatoType {
	http := map[string]string{
		"url_path": "url_path", "service": "service", "service_name": "service", "sec_def": "security", "security": "security", "security_name": "security",
		"has_rbac": "has_rbac", "sec_use_rbac": "sec_use_rbac", "timeout": "timeout",
	}
	out := map[string]string{
		"host": "host", "address_host": "host", "url_path": "url_path", "address_url_path": "url_path", "data_format": "data_format", "ping_method": "ping_method",
		"pool_size": "pool_size", "timeout": "timeout", "content_type": "content_type", "sec_def": "security", "security": "security", "security_name": "security",
	}
	user := map[string]string{"username": "username", "password": "password", "secret": "password"}
	return map[string]zatoType{
		"channel_plain_http": {"channel_rest", with(http, "method", "method", "data_format", "data_format", "url_params_pri", "url_params_pri", "params_pri", "params_pri",
			"merge_url_params_req", "merge_url_params_req", "content_encoding", "content_encoding", "cache_expiry", "cache_expiry"), []string{"soap_action", "soap_version"}},
		"channel_soap": {"channel_soap", with(http, "soap_action", "soap_action", "soap_version", "soap_version"), []string{
			"data_format", "method", "url_params_pri", "params_pri", "merge_url_params_req",
		}},
		"channel_zmq": {"channel_zmq", map[string]string{
			"address": "address", "socket_type": "socket_type", "socket_method": "socket_method", "sub_key": "sub_key", "service": "service", "service_name": "service",
			"data_format": "data_format",
		}, []string{"pool_strategy", "service_source", "msg_source"}},
		"outconn_plain_http": {"outgoing_rest", out, []string{"method", "serialization_type", "soap_action", "soap_version"}},
		"outconn_soap":       {"outgoing_soap", with(out, "soap_action", "soap_action", "soap_version", "soap_version"), []string{"method", "serialization_type", "data_format"}},
		"outconn_zmq":        {"outgoing_zmq", map[string]string{"address": "address", "socket_type": "socket_type", "socket_method": "socket_method"}, []string{"msg_source"}},
		"def_sec/basic_auth": {"security_basic_auth", with(user, "realm", "realm"), nil},
		"def_sec/apikey":     {"security_api_key", map[string]string{"header": "header", "username": "header", "password": "key", "secret": "key"}, nil},
		"def_sec/ntlm":       {"security_ntlm", user, nil},
		"def_sec/jwt":        {"security_jwt", with(user, "ttl", "ttl"), nil},
		"def_sec/wss": {"security_wss", with(user, "password_type", "password_type", "reject_empty_nonce_creat", "reject_empty_nonce_creat",
			"reject_stale_tokens", "reject_stale_tokens", "reject_expiry_limit", "reject_expiry_limit", "nonce_freshness_time", "nonce_freshness_time"), nil},
	}
}

func with(keys map[string]string, more ...string) map[string]string {
	out := make(map[string]string, len(keys)+len(more)/2)
	for k, v := range keys {
		out[k] = v
	}
	for i := 0; i < len(more); i += 2 {
		out[more[i]] = more[i+1]
	}
	return out
}

// zatoOthers are types of Zato that are nothing here.
func zatoOthers() []string {
	return strings.Fields(`channel_amqp channel_jms_wmq web_socket zato_channel_web_socket outconn_amqp outconn_sql outconn_ftp outconn_jms_wmq outconn_odoo
outconn_sap outconn_sftp outconn_ldap outconn_mongodb scheduler pubsub_topic pubsub_endpoint pubsub_subscription def_amqp def_cassandra def_jms_wmq
def_namespace json_pointer xpath xpath_sec email_imap email_smtp search_es search_solr query_cassandra notif_sql notif_cloud_openstack_swift cloud_aws_s3
def_cloud_openstack_swift zato_sms_twilio zato_cache_builtin http_soap elastic_search zato_generic_connection sql ldap cache groups microsoft_365 odoo confluence jira
pubsub_permission salesforce outgoing_sql`)
}

// zatoNewer are the names of types in newer files of Zato's, by those of older ones.
func zatoNewer() map[string]string {
	return map[string]string{
		"security": "def_sec", "channel_rest": "channel_plain_http", "outgoing_rest": "outconn_plain_http", "outgoing_soap": "outconn_soap",
	}
}

// isZato says whether a name is that of one of Zato's types, and of none of ours.
func isZato(name string) bool {
	_, known := zatoTypes()[name]
	return known || name == "def_sec" || slices.Contains(zatoOthers(), name) || strings.HasPrefix(name, "rbac_") && name != "rbac_role"
}

// zatoInternal are keys that mean something within one of Zato's databases alone.
func zatoInternal() []string {
	return strings.Fields(`id name type cluster_id is_internal transport connection impl_name service_id security_id sec_type opaque1 should_parse_on_input
should_validate should_return_errors cache_type is_rate_limit_active rate_limit_def rate_limit_type rate_limit_check_parent_def hl7_version json_path
http_accept match_slash`)
}

// object takes in one object of the type that m names.
func (z *zato) object(r *reader, m member, item *node) {
	if item.bad {
		return
	}
	typeName := m.name
	if item.form != object {
		r.object(typeName, item) // which says so
		return
	}
	if older, newer := zatoNewer()[m.name]; newer {
		typeName, m.name = older, older
	}
	if typeName == "def_sec" {
		of := item.get("type")
		if of == nil || of.value.form != text {
			r.faults.add(item.at, "def_sec: a definition without a type; add type: such as basic_auth")
			return
		}
		typeName += "/" + of.value.text
	}
	if strings.HasPrefix(typeName, "rbac_") {
		z.rbac(r, typeName, item)
		return
	}
	to, known := zatoTypes()[typeName]
	switch {
	case !known && (m.name == "def_sec" || slices.Contains(zatoOthers(), m.name)):
		z.leave(item, typeName, "", "there is no such thing here")
		return
	case !known:
		r.faults.add(m.at, "unknown type %q: neither Zato's nor ours", m.name)
		return
	case !slices.Contains(r.kinds.Names(), to.kind):
		z.leave(item, typeName, "", "this server does not know "+to.kind)
		return
	}
	z.convert(r, typeName, to, item)
}

func (z *zato) convert(r *reader, typeName string, to zatoType, item *node) {
	out := &node{at: item.at, form: object}
	for _, one := range item.members {
		key, taken := to.keys[one.name]
		switch {
		case one.name == "name":
			out.members = append(out.members, one)
		case one.name == "is_active" && one.value.form != null:
			out.members = append(out.members, one)
		case taken && nothing(one.value), typeName == "def_sec/apikey" && one.name == "username" && item.get("header") != nil:
		case taken && !takes(r.kinds, to.kind, key):
			if !usual(one) {
				z.leave(item, typeName, one.name, "this server's "+to.kind+" has no such key")
			}
		case taken && out.get(key) == nil:
			out.members = append(out.members, member{key, one.at, zatoValue(key, one.value)})
		case taken || one.name == "is_active" || nothing(one.value) || usual(one), slices.Contains(zatoInternal(), one.name), slices.Contains(to.silent, one.name):
		default:
			z.leave(item, typeName, one.name, "it has no counterpart")
		}
	}
	if (typeName == "channel_plain_http" || typeName == "outconn_plain_http") && out.get("data_format") == nil {
		// In Zato that means bytes as they are; here JSON is usual.
		out.members = append(out.members, member{"data_format", item.at, &node{at: item.at, form: text}})
	}
	if security := out.get("security"); security != nil && strings.HasPrefix(typeName, "outconn_") {
		z.outgoing[security.value.text] = true
	}
	if strings.HasPrefix(typeName, "def_sec/") {
		z.security = append(z.security, zatoSecurity{to.kind, out})
		return
	}
	r.object(to.kind, out)
}

// finishSecurity defines the security definitions, once it is known which of them outgoing connections use: of those a hash
// of the password is not enough.
func (z *zato) finishSecurity(r *reader) {
	for _, one := range z.security {
		if name := one.get("name"); name != nil && z.outgoing[name.value.text] && takes(r.kinds, one.kind, "outgoing") {
			one.members = append(one.members, member{"outgoing", one.at, &node{at: one.at, form: boolean, text: "true"}})
		}
		r.object(one.kind, one.node)
	}
}

// zatoValue is a value as we write it.
func zatoValue(key string, v *node) *node {
	if v.form != text {
		return v
	}
	if name := zatoVariable.FindStringSubmatch(v.text); name != nil {
		changed := *v
		changed.text = "${" + name[1] + "}"
		return &changed
	}
	to, other := map[string]string{
		"security zato-no-security": "", "data_format none": "", "data_format post": "form", "data_format form-data": "form", "password_type clear_text": "text",
		"security ZATO_NONE": "", "content_encoding none": "",
	}[key+" "+v.text]
	if !other {
		return v
	}
	changed := *v
	changed.text = to
	return &changed
}

// nothing says that a value is what its key is without one.
func nothing(v *node) bool {
	return v.form == null || v.form == text && v.text == "" || v.form == boolean && v.text == "false" || v.form == list && len(v.items) == 0 ||
		v.form == object && len(v.members) == 0
}

// usual says that a key has the value that Zato gives it, and which we need not be told.
func usual(m member) bool {
	return map[string]string{"merge_url_params_req": "true", "cache_expiry": "0", "sec_tls_ca_cert_id": "ZATO_NONE", "security": "zato-no-security"}[m.name] == m.value.text &&
		m.value.text != ""
}

// takes says whether objects of a kind have that key.
func takes(kinds Kinds, kindName, key string) bool {
	_, err := kinds.Parse(kindName, inJSON(map[string]any{key: nil}))
	var faults kind.Faults
	return !errors.As(err, &faults) || !slices.ContainsFunc(faults, func(f kind.Fault) bool { return f.Path == key && unknownKey(f) })
}

// leave notes that an object, or a key of it, is not imported.
func (z *zato) leave(item *node, typeName, key, why string) {
	name := ""
	if m := item.get("name"); m != nil && m.value.form == text {
		name = fmt.Sprintf(" %q", m.value.text)
	}
	at := item.at
	if key != "" {
		at, key = item.get(key).at, " "+key
	}
	z.notes = append(z.notes, fmt.Sprintf("%s: %s%s:%s left out: %s", at, typeName, name, key, why))
}
