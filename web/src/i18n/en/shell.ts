export const shell = {
  connections: 'Connections',
  newConnection: 'New connection',
  closeConnection: (name: string) => `Close ${name}`,
  theme: 'Colours',
  themes: { system: 'As the system', light: 'Light', dark: 'Dark' },
  language: 'Language',
  keys: 'Keys',
  close: 'Close',
  work: 'Work',
  timeline: 'Timeline',
};
