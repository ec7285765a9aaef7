export const a = 1; export default { b: 2 };
