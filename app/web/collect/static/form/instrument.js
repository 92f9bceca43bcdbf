// A questionnaire in the project's own format, made ready for asking: what is asked, and in which steps.

const DEFAULTS = { choices: [], members: [], condition: [], sentinels: true, must_be: false, min: 1, may_identify: false };
// Fields that are asked with the consent: how the testimony came decides whether there is one to give.
const WITH_CONSENT = ["source_type", "consent_given"];

export class Form {
  /** `policy` is {collects_identities, accepts_minors, extensions: [names of fields or sections]}. */
  constructor(definition, policy) {
    this.id = definition.id;
    this.version = definition.version;
    this.title = definition.title;
    this.prompt = definition.prompt;
    this.sections = definition.sections;
    this.policy = policy;
    this.allows = (need) => ["collects_identities", "accepts_minors"].includes(need) && policy[need] === true;
    this.fields = new Map(definition.sections.flatMap((section) => section.fields.map((field) => {
      const needs = [section.needs, field.needs].filter(Boolean);
      return [field.name, { ...DEFAULTS, ...field, needs, section: section.id }];
    })));
  }

  /** Whether the study asks this field at all. */
  asks(field) {
    if (!field.needs.every(this.allows)) return false;
    return field.status !== "extension"
      || this.policy.extensions.includes(field.name) || this.policy.extensions.includes(field.section);
  }

  /** The steps of the interview: consent first, then the sections as they stand. */
  steps() {
    const consent = this.fields.get("consent_given").section;
    const first = (field) => field.section === consent || WITH_CONSENT.includes(field.name);
    const asked = [...this.fields.values()].filter((field) => this.asks(field));
    const opening = asked.filter(first);
    const steps = [{ id: consent, title: this.section(consent).title, fields: opening }];
    for (const { id, title } of this.sections) {
      const fields = asked.filter((field) => field.section === id && !first(field));
      if (fields.length) steps.push({ id, title, fields });
    }
    return steps;
  }

  section(id) {
    return this.sections.find((section) => section.id === id);
  }
}

/** The field that a pointer into the answers speaks of. */
export function fieldOf(pointer) {
  return pointer.split("/")[2] ?? "";
}
