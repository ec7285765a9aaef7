// Markdown: a document of 6 KB by marked.
import { marked } from 'marked';

const part = (n) => `## Part ${n}\n\nSome *text* with **strong words**, \`code\` and [a link](https://example.com/${n}).\nA second line & more.\n\n` +
  `- first\n- second with *stress*\n  - nested\n\n1. one\n2. two\n\n> quoted\n\n\`\`\`js\nconst a = ${n} < 2;\n\`\`\`\n\n| a | b |\n|---|---|\n| 1 | ${n} |\n\n`;
const text = `# Title\n\n${Array.from({ length: 20 }, (_, i) => part(i)).join('')}`;

export const run = () => marked.parse(text).length;
