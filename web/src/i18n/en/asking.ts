export const asking = {
  title: 'The server asks',
  from: (name: string) => `Asked by ${name}`,
  more: (count: number) => `${count} more after this`,
  send: 'Send',
  decline: 'Decline',
  cancel: 'Not now',
  urlTitle: 'The server asks you to open an address',
  urlNote: 'Check that you know the host. What you enter there does not pass through this page.',
  host: 'Host',
  open: 'Open in a new tab',
  unsafe: 'The server sent an address that this page does not open.',
  secretNote: 'Never enter a password or a token here: the server gets what you send.',
};
