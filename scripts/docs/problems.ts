/** docs/PROBLEMS.md: a section for each code of the table of reasons. */
import { problemResponse } from "../../src/http/index.ts";
import { REASONS, type ReasonCode } from "../../src/outcome.ts";

const HEAD = `# Problems

<!-- Made by \`bun run docs\` from src/outcome.ts. -->

Every answer that is not a receipt has one of these codes: as a problem of its own (RFC 9457, \`application/problem+json\`), or in the list of
a batch's answer. Decide by \`code\`, or by \`retry\` alone: it says whether the same event, sent again unchanged, may succeed. \`detail\` is for
people, and may change.
`;

export async function problemsPage(): Promise<string> {
  const sections = await Promise.all((Object.keys(REASONS) as ReasonCode[]).map(section));
  return `${HEAD}\n${sections.join("\n")}`;
}

async function section(code: ReasonCode): Promise<string> {
  const { status, retry, title, example } = REASONS[code];
  const answer = await problemResponse({ code, detail: example }).json();
  const again = retry ? "Sending it again may succeed." : "Sending it again unchanged cannot succeed.";
  return `## ${code}\n\n**${status}.** ${title}. ${again}\n\n\`\`\`json\n${JSON.stringify(answer, null, 2)}\n\`\`\`\n`;
}
