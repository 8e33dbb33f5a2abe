// The API's description as a person reads it, made from /openapi.json; nothing is loaded from outside.

function element(name, attributes, ...children) {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Follows a `$ref` inside the document. */
function resolve(api, schema) {
  const path = schema?.$ref?.slice(2).split("/");
  return path ? path.reduce((node, key) => node[key], api) : schema;
}

/** A schema in few words: `string`, `PatientCard`, `[Alert]`. */
function shape(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(shape).join(" or ");
  if (schema.type === "array") return `[${shape(schema.items)}]`;
  return schema.enum?.join(" | ") ?? schema.const ?? schema.format ?? schema.type ?? "any";
}

function table(rows) {
  return rows.length ? element("table", {}, ...rows.map((row) => element("tr", {}, ...row.map((cell) => element("td", {}, cell))))) : null;
}

function fields(api, schema) {
  const found = resolve(api, schema);
  const required = new Set(found?.required ?? []);
  const rows = Object.entries(found?.properties ?? {}).map(([name, inner]) => [
    element("code", {}, name),
    shape(inner) + (required.has(name) ? ", required" : ""),
    inner.description ?? "",
  ]);
  const example = found?.example ?? found?.examples?.[0];
  return [table(rows), example ? element("pre", {}, JSON.stringify(example, null, 2)) : null];
}

function route(api, path, method, operation) {
  const parameters = (operation.parameters ?? []).map((parameter) => [
    element("code", {}, parameter.name),
    `${parameter.in}, ${shape(parameter.schema)}${parameter.required ? ", required" : ""}`,
    parameter.description ?? "",
  ]);
  const body = operation.requestBody?.content?.["application/json"]?.schema;
  const answers = Object.entries(operation.responses ?? {}).map(([status, answer]) => [
    element("code", {}, status),
    shape(Object.values(answer.content ?? {})[0]?.schema),
    answer.description ?? "",
  ]);
  const title = element("summary", {}, element("code", { className: "method" }, method.toUpperCase()), element("code", {}, path), " ");
  title.append(element("span", { className: "muted" }, operation.summary ?? ""));
  const part = (name, ...children) => (children.some(Boolean) ? [element("h3", {}, name), ...children.filter(Boolean)] : []);
  const inner = [
    operation.description ? element("p", {}, operation.description) : null,
    ...part("Parameters", table(parameters)),
    ...(body ? part("Body", ...fields(api, body)) : []),
    ...part("Answers", table(answers)),
  ];
  return element("details", {}, title, ...inner);
}

async function show() {
  const place = document.getElementById("routes");
  const answer = await fetch("../openapi.json");
  if (!answer.ok) {
    place.replaceChildren(element("p", {}, `The description could not be loaded (${answer.status}).`));
    return;
  }
  const api = await answer.json();
  const groups = new Map();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags?.[0] ?? "other";
      groups.set(tag, [...(groups.get(tag) ?? []), route(api, path, method, operation)]);
    }
  }
  place.replaceChildren(...[...groups].flatMap(([tag, routes]) => [element("h2", {}, tag), ...routes]));
}

show();
